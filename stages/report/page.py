"""Renders `metrics/report.html`: one file with all in it, no network and no script needed."""

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

_FOLDER = Path(__file__).parent


def render_page(**content: Any) -> bytes:
    """Fill the page's template with what it names; HTML in UTF-8, where all text from outside is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    style = Markup((_FOLDER / "style.css").read_text(encoding="utf-8"))
    return environment.get_template("page.html.jinja").render(style=style, **content).encode()
