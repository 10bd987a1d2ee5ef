"""Turns a figure into SVG that sits in the page: in its font and its colours, light or dark, and needs no script.

SVG rather than a JavaScript library: it adds some 20 kB a plot and not a megabyte, prints as it is, and shows where
scripts are blocked, as in previews of mail. Exact values are in the tables beside the plots.
"""

import html
import io
import re
from typing import Any, NamedTuple

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

# Colours of a figure that the page replaces by its own; on paper they serve as they are.
INK, QUIET, GOAL = "#1a1b1c", "#757677", "#dcefe1"
_PAGE_COLOURS = {INK: "var(--ink)", QUIET: "var(--quiet)", GOAL: "var(--goal)"}
# Distinguishable on white and on black, and with red-green colour blindness.
_HUES = ("#d1691b", "#2f83c7", "#1f9d6b", "#b45cc0", "#c9405b", "#8a8f2c", "#5b8f99")


# In grey print, shape and dashes distinguish them.
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
_DASHES = ("--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 3)))


class Style(NamedTuple):
    """How a data set is drawn."""

    colour: str
    marker: str
    dashes: Any


def dataset_styles(datasets: list[str], raw: str) -> dict[str, Style]:
    """Give each data set a style, raw that of the text; 56 variants differ, as there are 8 markers and 7 colours."""
    variants = [dataset for dataset in datasets if dataset != raw]
    styles = {raw: Style(INK, "o", "-")}
    for number, dataset in enumerate(variants):
        marker = _MARKERS[(number + 1) % len(_MARKERS)]
        styles[dataset] = Style(_HUES[number % len(_HUES)], marker, _DASHES[number % len(_DASHES)])
    return styles


def to_svg(figure: Figure, name: str, description: str) -> Markup:
    """Turn a figure into an SVG element."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    view = re.findall(r'viewBox="[^"]*"', text)[0]
    body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index(">", text.index("<svg")) + 1 :], flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    for colour, of_page in _PAGE_COLOURS.items():
        body = body.replace(colour, of_page)
    head = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-label="{html.escape(description)}" {view}>'
    return Markup(head + body)
