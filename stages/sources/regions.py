"""Reads where people are in the files of the source, and finds the same places in the images that are written."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from stages.core.boxes import REGIONS, Box
from stages.core.errors import shown
from stages.core.params import DataParams
from stages.sources.finding import link_limit
from stages.sources.intake import Taken
from stages.sources.listing import list_places
from stages.sources.places import find_table
from stages.sources.reading import SourceFile
from stages.sources.tables import Row, read_rows, refusal

_MOST = 2**30  # pixels; images have fewer, and sums of two still fit into 32 bits
_SIDES = ("x", "y", "width", "height")
_ALLOWED: dict[str, tuple[str, Callable[[float], bool]]] = {
    **dict.fromkeys(_SIDES[:2], (f"a number from -{_MOST} to {_MOST}", lambda value: abs(value) <= _MOST)),
    **dict.fromkeys(_SIDES[2:], (f"a number above 0, at most {_MOST}", lambda value: 0 < value <= _MOST)),
    "score": ("a number from 0 to 1, or empty", lambda value: 0 <= value <= 1),
}


class Region(NamedTuple):
    """A row of the table: a rectangle in a file of the source, in pixels of the upright image."""

    line: int
    x: float
    y: float
    width: float
    height: float
    label: str
    score: float | None

    def overlaps(self, size: tuple[int, int]) -> bool:
        """Return whether it shares an area with an image of this height and width."""
        return -self.width < self.x < size[1] and -self.height < self.y < size[0]

    def scaled(self, upright: tuple[int, int], written: tuple[int, int], *, label: str) -> Box:
        """Return the smallest box of whole pixels that holds it after the image got another height and width.

        Not clipped to the image: an ellipse in a clipped box would miss parts of a head at the border.
        """
        x, width = _scaled(self.x, self.width, written[1], upright[1])
        y, height = _scaled(self.y, self.height, written[0], upright[0])
        return Box(x, y, width, height, label, self.score)


def _scaled(start: float, length: float, after: int, before: int) -> tuple[int, int]:
    # Divided last, so that what comes out even stays a whole number.
    first, end = math.floor(start * after / before), math.ceil((start + length) * after / before)
    return first, max(end - first, 1)


class PlacedBoxes(NamedTuple):
    """The boxes of the written images, and how many rows of the table became none."""

    boxes: dict[str, list[Box]]  # by path below `data/raw`
    without_image: int
    given_twice: int

    @property
    def counts(self) -> dict[str, int]:
        """What goes into `metrics/ingest.json`."""
        return {
            "boxes": sum(map(len, self.boxes.values())),
            "images_with_boxes": len(self.boxes),
            "boxes_without_image": self.without_image,
            "boxes_given_twice": self.given_twice,
        }


def read_regions(files: list[SourceFile], params: DataParams) -> dict[str, list[Region]]:
    """Read where people are in the files of the source.

    `regions.csv` at the top of the source says so, with the columns `path`, relative to the source, `x`, `y`, `width`
    and `height`, and optionally `label` and `score`; a file may have several rows.

    Parameters
    ----------
    files : list of SourceFile
        As `stages.sources.finding.find_sources` found them.
    params : DataParams
        The source.

    Returns
    -------
    dict of str to list of Region
        By path relative to the source, for every file of the table; empty without one.

    Raises
    ------
    PipelineError
        If the table is broken, a row names no file of the source, or a cell is not what it must be.
    """
    source = Path(params.source)
    table = find_table(source, REGIONS)
    regions: dict[str, list[Region]] = {}
    if table is not None:
        taken = [file.in_source for file in files]
        list_all = lambda: list_places(source, link_limit(params))  # noqa: E731
        for row in read_rows(table, _SIDES, taken=taken, list_all=list_all, optional=("label", "score")):
            regions.setdefault(row.path, []).append(_read_region(table, row))
    return regions


def _read_region(table: Path, row: Row) -> Region:
    x, y, width, height = (_read_number(table, row, name) for name in _SIDES)
    label = row.cells["label"]
    if not label.isprintable():
        message = f"`label` must be a text that can be printed, in one line; received: {shown(label)}"
        raise refusal(table, row.line, message)
    score = _read_number(table, row, "score") if row.cells["score"] else None
    return Region(row.line, x, y, width, height, label, score)


def _read_number(table: Path, row: Row, name: str) -> float:
    allowed, is_allowed = _ALLOWED[name]
    try:
        value = float(row.cells[name])
    except ValueError:
        value = math.nan
    if not is_allowed(value):
        raise refusal(table, row.line, f"`{name}` must be {allowed}; received: {shown(row.cells[name])}")
    return value


def check_overlap(regions: dict[str, list[Region]], decoded: Iterable[Taken], params: DataParams) -> None:
    """Refuse a box that lies beside its image.

    Parameters
    ----------
    regions : dict of str to list of Region
        From `read_regions`.
    decoded : iterable of Taken
        Files that were decoded, or rejected.
    params : DataParams
        The source.

    Raises
    ------
    PipelineError
        Names the first line with such a box.
    """
    source = Path(params.source)
    beside = [
        (region.line, region, image.upright)
        for image in decoded
        if not image.rejected
        for region in regions.get(image.source.in_source, ())
        if not region.overlaps(image.upright)
    ]
    if beside:
        line, region, (height, width) = min(beside)
        received = ", ".join(f"{name} {getattr(region, name):g}" for name in _SIDES)
        message = f"a box must overlap its image, upright {width} x {height} pixels; received: {received}"
        raise refusal(source / REGIONS, line, message)


def place_regions(regions: dict[str, list[Region]], kept: list[Taken], params: DataParams) -> PlacedBoxes:
    """Find the boxes of the written images.

    Parameters
    ----------
    regions : dict of str to list of Region
        From `read_regions`.
    kept : list of Taken
        The images.
    params : DataParams
        With `data.rename`, labels are left out, as they may name people.

    Returns
    -------
    PlacedBoxes
        Of boxes at the same place in an image, the first is kept.
    """
    boxes: dict[str, dict[tuple, Box]] = {}
    given = 0
    for image in kept:
        for region in regions.get(image.source.in_source, ()):
            box = region.scaled(image.upright, image.size, label="" if params.rename else region.label)
            boxes.setdefault(image.path, {}).setdefault(box[:4], box)
            given += 1
    placed = {path: list(own.values()) for path, own in boxes.items()}
    without_image = sum(map(len, regions.values())) - given
    return PlacedBoxes(placed, without_image, given - sum(map(len, placed.values())))
