import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pandas as pd
import pytest

from stages.report.plots import curves_svg, draw_frontier, frontier_svg
from stages.report.svg import GOAL, INK, QUIET, dataset_colours
from tests.report.test_recommendation import bounds, table


def results(known: bool, accuracy: float = 0.8) -> pd.DataFrame:
    data = table(a=(accuracy, 0.3))
    return data if known else data.drop(columns=["identity_accuracy", "efficient"])


def size_of(picture: bytes) -> tuple[int, ...]:
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape


def large_table(names: str) -> pd.DataFrame:
    return table(**{name: (0.7, 0.5) for name in names}).assign(efficient=False)


@pytest.mark.parametrize("known", [True, False])
def test_the_picture_is_the_same_twice_and_changes_with_the_numbers(known):
    first = draw_frontier(results(known), bounds())
    assert draw_frontier(results(known), bounds()) == first
    assert draw_frontier(results(known, accuracy=0.5), bounds()) != first
    height, width, _ = size_of(first)
    assert width > height > 600


def test_the_picture_grows_with_a_long_legend():
    names = "abcdefghijklmnop"
    heights = [size_of(draw_frontier(large_table(names[:count]), bounds()))[0] for count in (1, 9, 10, 11, 16)]
    assert heights[0] == heights[1] < heights[2] == heights[3] < heights[4]


@pytest.mark.parametrize("known", [True, False])
def test_svg_is_well_formed_and_in_the_colours_of_the_page(known):
    first = frontier_svg(results(known), bounds())
    assert frontier_svg(results(known), bounds()) == first
    assert frontier_svg(results(known, accuracy=0.5), bounds()) != first
    ElementTree.fromstring(first)
    assert "var(--ink)" in first
    assert not any(colour in first for colour in (INK, QUIET, GOAL))
    assert ("var(--goal)" in first) is known
    assert "accuracy (more is better)" in first


def test_ids_of_two_plots_differ_and_lead_somewhere():
    curves = pd.DataFrame({"dataset": "raw", "images": "training", "epoch": [1, 2], "loss": [2, 1], "accuracy": [0, 1]})
    seen = set()
    for measure in ("accuracy", "loss"):
        svg = curves_svg(curves, measure)
        ids = re.findall(r'\bid="([^"]+)"', svg)
        used = {first or second for first, second in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)}
        assert used
        assert used <= set(ids)
        assert len(set(ids)) == len(ids)
        assert not seen & set(ids)
        seen |= set(ids)


@pytest.mark.parametrize("images", [["training"], ["training", "validation"]])
def test_curves_have_a_line_for_every_data_set_and_kind_of_images(images):
    rows = [
        {"dataset": dataset, "images": kind, "epoch": epoch, "loss": 3 - epoch, "accuracy": epoch / 4}
        for dataset in ("raw", "a", "b")
        for kind in images
        for epoch in (1, 2)
    ]
    svg = curves_svg(pd.DataFrame(rows), "loss")
    colours = dataset_colours(["raw", "a", "b"], "raw") | {"raw": "var(--ink)"}
    lines = re.findall(r'<path d="M[^"]*L[^"]*"[^>]*style="fill: none; stroke[^:]*: ([^"]+)"', svg)
    for colour in colours.values():
        # In the plot, and those of training once more in the legend.
        assert sum(colour in line for line in lines) == len(images) + 1
    assert all(f">{name}<" in svg for name in ("raw", "a", "b"))


def test_variants_of_one_colour_differ_in_shape():
    names = "abcdefghijklmnopqrstuvwxyz"[:22]
    marks = set(re.findall(r'href="#([^"]+)"[^>]*style="fill: (#[^;]+)', frontier_svg(large_table(names), bounds())))
    first, second = (dataset_colours(["raw", *names], "raw")[name] for name in "ab")
    # Two ends of intervals, and a point for each round.
    assert sum(colour == first for _, colour in marks) == 2 + 4
    assert sum(colour == second for _, colour in marks) == 2 + 3


def test_raw_has_the_colour_of_the_text_and_seven_variants_a_colour_each():
    colours = dataset_colours(["a", "raw", *"bcdefghij"], "raw")
    assert colours["raw"] == INK
    assert len({colours[name] for name in "abcdefg"}) == 7
    assert INK not in {colours[name] for name in "abcdefghij"}
