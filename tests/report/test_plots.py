"""The plots: the same twice, in the colours of the page, and every data set told from the others."""

import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from stages.report.plots import curves_svg, draw_frontier, frontier_svg, most_allowed
from stages.report.svg import GOAL, INK, QUIET, dataset_styles
from tests.report.comparison import bounds, table


def test_the_frontier_is_the_same_twice_and_changes_with_the_numbers():
    def drawn(accuracy: float) -> dict:
        data = table(a=(accuracy, 0.3))
        return {"page": frontier_svg(data, bounds(), "raw"), **draw_frontier(data, bounds())}

    first, again, changed = drawn(0.8), drawn(0.8), drawn(0.5)
    assert first == again and all(first[form] != changed[form] for form in ("page", "png", "svg", "pdf"))


def test_the_frontier_of_the_page_has_its_colours_and_says_what_is_across():
    named = table(a=(0.8, 0.3))
    linked = named.rename(columns={"named": "linked", "strongest_low": "linked_low", "strongest_high": "linked_high"})
    tables = {"named": named, "linked": linked, "nothing": linked.drop(columns=["linked", "strongest_chance"])}
    pages = {kind: frontier_svg(data, bounds(), "raw") for kind, data in tables.items()}
    for kind, page in pages.items():
        ElementTree.fromstring(page)
        assert "var(--ink)" in page
        assert not any(colour in page for colour in (INK, QUIET, GOAL))
        assert ("var(--goal)" in page) is (kind != "nothing")
    assert "named by the strongest attack" in pages["named"]
    assert "linked to their originals" in pages["linked"] and "named" not in pages["linked"]


@pytest.mark.parametrize(("chance", "most"), [(0.5, 0.625), (1 / 16, 0.25), (0.001, 0.004)])
def test_the_bounds_depend_on_chance(chance, most):
    assert most_allowed(table().assign(strongest_chance=chance), bounds()) == pytest.approx(most)


@pytest.mark.parametrize("images", [["training"], ["training", "validation"]])
def test_curves_have_a_line_for_every_data_set_and_kind_of_images(images):
    rows = [
        {"dataset": dataset, "images": kind, "epoch": epoch, "loss": 3 - epoch, "accuracy": epoch / 4}
        for dataset in ("raw", "a", "b")
        for kind in images
        for epoch in (1, 2)
    ]
    svg = curves_svg(pd.DataFrame(rows), "loss")
    lines = re.findall(r'<path d="M[^"]*L[^"]*"[^>]*style="fill: none; stroke[^:]*: ([^"]+)"', svg)
    for style in dataset_styles(["raw", "a", "b"], "raw").values():
        colour = "var(--ink)" if style.colour == INK else style.colour
        # In the plot, and once more in the legend.
        assert sum(colour in line for line in lines) == len(images) + 1
    assert all(f">{name}<" in svg for name in ("raw", "a", "b"))


def test_every_variant_differs_in_print_without_colours():
    names = "abcdefghijklmnopqrstuvwxyz"
    styles = dataset_styles(["raw", *names], "raw")
    assert styles["raw"].colour == INK and INK not in {styles[name].colour for name in names}
    assert len({styles[name].colour for name in "abcdefg"}) == 7
    assert len({style[1:] for style in styles.values()}) == len(styles)
    assert len({style.marker for style in list(styles.values())[:8]}) == 8
    svg = frontier_svg(table(a=(0.7, 0.5), b=(0.7, 0.5)), bounds(), "raw")
    assert len(set(re.findall(r"stroke-dasharray: ([\d., ]+)", svg))) >= 3  # two variants, and the grid lines


def test_the_corner_is_drawn_where_the_recommendation_looks():
    params = bounds().model_copy(update={"deployed_on": "anonymized"})
    assert ["var(--goal)" in frontier_svg(table(), params, images) for images in ("raw", "anonymized")] == [False, True]
