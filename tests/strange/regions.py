"""Boxes of people in what was planted: beyond the border, tiny, and a thousand of them."""

import csv
import math
from pathlib import Path

import numpy as np

from tests.strange.files import KINDS
from tests.strange.places import Planted

Corners = tuple[int, int, int, int]  # x, y, width and height of a box


def plant_regions(source: Path, planted: dict[str, Planted], rng: np.random.Generator) -> dict[str, list[Corners]]:
    """Write `regions.csv` about a third of the plain files whose pixels are known.

    Parameters
    ----------
    source : pathlib.Path
        The source, all of it planted.
    planted : dict of str to Planted
        By number.
    rng : numpy.random.Generator
        Decides which files, and which boxes.

    Returns
    -------
    dict of str to list of tuple
        Number to the boxes that must come out, if the file is taken: in whole pixels, each once.
    """
    boxes = {}
    with (source / "regions.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "x", "y", "width", "height", "label"])
        for number, thing in planted.items():
            if thing.kind in KINDS and thing.pixels is not None and rng.integers(3) == 0:
                path = next(source.glob(f"*/{number}.*")).relative_to(source)
                drawn = _draw_boxes(*thing.pixels.shape[:2], rng)
                writer.writerows([path, *box, "head"] for box in drawn)
                boxes[number] = list(dict.fromkeys(map(_in_whole_pixels, drawn)))
    return boxes


def _draw_boxes(height: int, width: int, rng: np.random.Generator) -> list[tuple[float, ...]]:
    size = np.array([width, height])
    kind = rng.choice(["within", "beyond", "tiny", "many"])
    if kind == "beyond":
        return [(-2 * width, -2 * height, 5 * width, 5 * height), (-1, -1, 1.5, 1.5), (width - 0.5, 0, 1e6, 1)]
    count = {"many": 1000}.get(kind, 2)
    corners = rng.uniform(0, 0.99 * size, (count, 2))
    sides = np.full((count, 2), 1e-3) if kind == "tiny" else rng.uniform(1e-3, size, (count, 2))
    return [tuple(box) for box in np.hstack([corners, sides]).tolist()]


def _in_whole_pixels(box: tuple[float, ...]) -> Corners:
    left, top = math.floor(box[0]), math.floor(box[1])
    return left, top, math.ceil(box[0] + box[2]) - left, math.ceil(box[1] + box[3]) - top
