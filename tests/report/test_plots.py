"""The plots: the same twice, in the colours of the page, and every data set told from the others."""

import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pandas as pd
import pytest

from stages.report.plots import curves_svg, draw_frontier, frontier_svg
from stages.report.svg import GOAL, INK, QUIET, dataset_colours
from tests.report.test_recommendation import bounds, table


def size_of(picture: bytes) -> tuple[int, ...]:
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape


def large_table(names: str) -> pd.DataFrame:
    return table(**{name: (0.7, 0.5) for name in names}).assign(efficient=False)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("draw", [draw_frontier, frontier_svg])
def test_the_frontier_is_the_same_twice_and_changes_with_the_numbers(draw, known):
    def frontier(accuracy: float):
        data = table(a=(accuracy, 0.3))
        return draw(
            data if known else data.drop(columns=["identity_accuracy", "strongest_accuracy", "efficient"]), bounds()
        )

    first = frontier(0.8)
    assert frontier(0.8) == first != frontier(0.5)
    if draw is draw_frontier:
        height, width, _ = size_of(first)
        assert width > height > 600
    else:
        ElementTree.fromstring(first)
        assert "var(--ink)" in first
        assert not any(colour in first for colour in (INK, QUIET, GOAL))
        assert ("var(--goal)" in first) is known
        assert "accuracy (more is better)" in first


def test_the_picture_grows_with_a_long_legend():
    heights = [size_of(draw_frontier(large_table("abcdefghijklmnop"[:count]), bounds()))[0] for count in (1, 9, 10, 16)]
    assert heights[0] == heights[1] < heights[2] < heights[3]


@pytest.mark.parametrize("images", [["training"], ["training", "validation"]])
def test_curves_have_a_line_for_every_data_set_and_kind_of_images(images):
    rows = [
        {"dataset": dataset, "images": kind, "epoch": epoch, "loss": 3 - epoch, "accuracy": epoch / 4}
        for dataset in ("raw", "a", "b")
        for kind in images
        for epoch in (1, 2)
    ]
    svgs = {measure: curves_svg(pd.DataFrame(rows), measure) for measure in ("accuracy", "loss")}
    lines = re.findall(r'<path d="M[^"]*L[^"]*"[^>]*style="fill: none; stroke[^:]*: ([^"]+)"', svgs["loss"])
    for colour in (dataset_colours(["raw", "a", "b"], "raw") | {"raw": "var(--ink)"}).values():
        # In the plot, and those of training once more in the legend.
        assert sum(colour in line for line in lines) == len(images) + 1
    assert all(f">{name}<" in svgs["loss"] for name in ("raw", "a", "b"))
    seen = []
    for svg in svgs.values():
        ids = re.findall(r'\bid="([^"]+)"', svg)
        used = {first or second for first, second in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)}
        assert used and used <= set(ids)
        seen += ids
    assert len(set(seen)) == len(seen)


def test_seven_variants_have_a_colour_each_and_those_of_one_colour_differ_in_shape():
    names = "abcdefghijklmnopqrstuvwxyz"[:22]
    colours = dataset_colours(["raw", *names], "raw")
    assert colours["raw"] == INK and INK not in {colours[name] for name in names}
    assert len({colours[name] for name in "abcdefg"}) == 7
    marks = set(re.findall(r'href="#([^"]+)"[^>]*style="fill: (#[^;]+)', frontier_svg(large_table(names), bounds())))
    # Two ends of intervals, and a point for each round.
    assert sum(colour == colours["a"] for _, colour in marks) == 2 + 4
    assert sum(colour == colours["b"] for _, colour in marks) == 2 + 3
