"""Renders `metrics/report.html`: one file with all in it, no network and no script needed."""

from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

_FOLDER = Path(__file__).parent


def render_page(**content: Any) -> bytes:
    """Fill the page's template.

    Parameters
    ----------
    **content
        What ``page.html.jinja`` names.

    Returns
    -------
    bytes
        HTML in UTF-8; all text from outside is escaped.

    Raises
    ------
    jinja2.UndefinedError
        If something is missing.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"percent": _percent, "number": _number}
    style = Markup((_FOLDER / "style.css").read_text(encoding="utf-8"))
    return environment.get_template("page.html.jinja").render(style=style, **content).encode()


def _percent(value: float, digits: int = 1) -> str:
    return "" if pd.isna(value) else f"{100 * value:.{digits}f} %"


def _number(value: float, digits: int = 2) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"
