"""Boxes that a person has looked through: a table that is changed by hand and read back, and single changes."""

import hashlib
import io
from collections.abc import Sequence
from math import ceil, floor
from pathlib import Path

from PIL import Image

from stages.core.boxes import Box, write_boxes
from stages.core.datasets import Dataset
from stages.core.errors import PipelineError, printable
from stages.core.store import read_state, write_state
from stages.sources.tables import SourcePlaces, read_rows, refusal

Boxes = dict[str, list[Box]]  # by path of the photo
_SIDES = ("x", "y", "width", "height")


def review_boxes(found: Boxes, photos: Dataset, table: Path, state: Path) -> Boxes:
    """Return the boxes as a table has them, and write it anew with those that it does not know yet.

    A photo that the table was written for, and that has not changed since, has the boxes of its rows alone. All others
    have those too that were found: a row that is missing must not leave a face open that nobody has looked at.
    """
    digests = {path: hashlib.sha256(photos.read(path)).hexdigest() for path in photos.paths()}
    rows = _read(table, photos) if table.exists() else {}
    known = (read_state(state) or {}) if table.exists() else {}
    boxes = {}
    for path, digest in digests.items():
        own = rows.get(path, [])
        new = [] if known.get(path) == digest else found.get(path, [])
        boxes[path] = own + [box for box in new if box[:4] not in {row[:4] for row in own}]
    write_boxes(table, boxes)  # always, so that the numbers on contact sheets are its lines
    write_state(state, digests)
    return boxes


def _read(table: Path, photos: Dataset) -> Boxes:
    boxes: Boxes = {}
    places = SourcePlaces(photos.folder, photos.paths())
    for row in read_rows(table, [_SIDES], places, optional=("label", "score"), may_be_empty=True):
        try:
            x, y, width, height = (float(row.cells[side]) for side in _SIDES)
            left, top, right, bottom = floor(x), floor(y), ceil(x + width), ceil(y + height)
            score = float(row.cells["score"]) if row.cells["score"] else None
        except (ValueError, OverflowError):
            raise refusal(table, row.line, "the place of a box, and its score, must be numbers") from None
        box, size = Box(left, top, right - left, bottom - top, row.cells["label"], score), _size(row.path, photos)
        if min(width, height) < 1 or not box.overlap(Box(0, 0, *size)):
            raise refusal(table, row.line, _beside(row.path, size))
        boxes.setdefault(row.path, []).append(box)
    return boxes


def change_boxes(boxes: Boxes, photos: Dataset, added: Sequence[list[str]], spared: Sequence[list[str]]) -> Boxes:
    """Leave out the boxes at some points (path, x, y), and add others (path, x, y, width, height)."""
    changed = dict(boxes)
    for path, *numbers in spared:
        (x, y), _ = _read_numbers(path, numbers, photos)
        left = [box for box in changed.get(path, []) if not Box(x, y, 1, 1).overlap(box)]
        if left == changed.get(path, []):
            raise PipelineError(f"`--keep` must be a point in a face that was found in `{path}`; received: {x} {y}")
        changed[path] = left
    for path, *numbers in added:
        (x, y, width, height), size = _read_numbers(path, numbers, photos)
        box = Box(x, y, width, height)
        if min(box.width, box.height) < 1 or not box.overlap(Box(0, 0, *size)):
            raise PipelineError(f"`--box`: {_beside(path, size)}; received: {' '.join(numbers)}")
        changed[path] = [*changed.get(path, []), box]
    return changed


def _read_numbers(path: str, numbers: list[str], photos: Dataset) -> tuple[list[int], tuple[int, int]]:
    """Return whole numbers, and the width and height of their photo."""
    paths = photos.paths()
    if path not in paths:
        raise PipelineError(f"PHOTO must be a path below OUT, such as `{paths[0]}`; received: {printable(path)}")
    try:
        return [int(number) for number in numbers], _size(path, photos)
    except ValueError:
        raise PipelineError(
            f"the place of a box in `{path}` must be whole numbers of pixels; received: {printable(' '.join(numbers))}"
        ) from None


def _size(path: str, photos: Dataset) -> tuple[int, int]:
    with Image.open(io.BytesIO(photos.read(path))) as image:  # which is not decoded
        return image.size


def _beside(path: str, size: tuple[int, int]) -> str:
    return f"a box must be in pixels of its photo, `{path}`, upright {size[0]} x {size[1]}, and share some with it"
