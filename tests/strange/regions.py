"""Boxes and silhouettes of people in what was planted: boxes beyond the border, tiny, and a thousand of them."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.core.files import write_file
from tests.strange.files import KINDS, encode
from tests.strange.places import Planted

Corners = tuple[int, int, int, int]  # x, y, width and height of a box
LABELS = ("head", "person")  # of all boxes of a file


def plant_regions(source: Path, planted: dict[str, Planted], rng: np.random.Generator) -> dict[str, list[Corners]]:
    """Write a table of boxes; return by number those that must come out: in whole pixels, each once."""
    boxes: dict[str, list[Corners]] = {}
    with (source / "regions.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "x", "y", "width", "height", "label"])
        for number, path, size in _drawn_files(source, planted, rng):
            drawn = _draw_boxes(*size, rng)
            writer.writerows([path, *box, LABELS[len(boxes) % 2]] for box in drawn)
            boxes[number] = list(dict.fromkeys(map(_in_whole_pixels, drawn)))
    if not boxes:
        (source / "regions.csv").unlink()
    return boxes


def plant_masks(source: Path, planted: dict[str, Planted], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Write silhouettes; return them by number."""
    masks = {}
    for number, path, size in _drawn_files(source, planted, rng):
        masks[number] = rng.random(size) < rng.choice([0, 0.01, 0.5, 1])
        content = encode(masks[number].astype(np.uint8) * 255, "PNG")
        write_file((source / "masks" / path).with_suffix(".png"), content)
    return masks


def _drawn_files(source: Path, planted: dict[str, Planted], rng: np.random.Generator) -> Iterator[tuple]:
    """Yield number, path and size of about a third of the plain files whose pixels are known."""
    for number, thing in planted.items():
        if thing.kind in KINDS and thing.pixels is not None and rng.integers(3) == 0:
            yield number, next(source.glob(f"*/{number}.*")).relative_to(source), thing.pixels.shape[:2]


def _draw_boxes(height: int, width: int, rng: np.random.Generator) -> list[tuple[float, ...]]:
    size = np.array([width, height])
    kind = rng.choice(["within", "beyond", "tiny", "many"])
    if kind == "beyond":
        return [(-2 * width, -2 * height, 5 * width, 5 * height), (-1, -1, 3.5, 1.5), (width - 0.5, 0, 1e6, 1)]
    count = {"many": 1000}.get(kind, 2)
    # Not in the corner, where a box of a pixel has another unit, nor as far beyond as one of the stored picture.
    corners = rng.uniform(0, 0.99 * size, (count, 2))
    sides = np.full((count, 2), 1e-3) if kind == "tiny" else rng.uniform(1e-3, size - corners)
    drawn = [tuple(box) for box in np.hstack([corners, sides]).tolist() if max(box[0] + box[2], box[1] + box[3]) > 2]
    return drawn or [(0, 0, 3, 3)]


def _in_whole_pixels(box: tuple[float, ...]) -> Corners:
    left, top = math.floor(box[0]), math.floor(box[1])
    right, bottom = math.ceil(box[0] + box[2]), math.ceil(box[1] + box[3])
    return left, top, max(right - left, 1), max(bottom - top, 1)
