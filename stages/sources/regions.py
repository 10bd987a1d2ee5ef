"""Where people are in the files of the source, and the same places in the images that are written."""

import math
from statistics import median
from typing import Any, NamedTuple

from stages.core.boxes import FACE, HEAD, PERSON, Box
from stages.core.errors import PipelineError
from stages.core.params import DataParams
from stages.sources.outcomes import Outcome
from stages.sources.outlines import Corners

FULL = {"normalized": 1, "percent": 100}  # the number that stands for a whole side


class Region(NamedTuple):
    """A rectangle in a file of the source, in its unit."""

    name: str  # of the image, as the file of boxes calls it; in YOLO without a suffix
    x: float
    y: float
    width: float
    height: float
    label: str
    score: float | None
    unit: str  # pixels of the upright image, normalized, percent, or written: pixels of the image in `data/raw`
    entry: str  # file and line, or what else the file calls it
    size: tuple[int, int] | None = None  # height and width of the image, in formats that hold them
    outline: Any = None  # of the same, in COCO: polygons or run lengths

    @property
    def corners(self) -> Corners:
        """Its left, top, right and bottom."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    def frame(self, image: Outcome) -> tuple[float, float]:
        """Return the height and width of an image in this unit."""
        full = FULL.get(self.unit)
        return (full, full) if full else image.size if self.unit == "written" else image.upright

    def overlaps(self, size: tuple[float, float]) -> bool:
        """Return whether it shares an area with an image of this height and width."""
        return -self.width < self.x < size[1] and -self.height < self.y < size[0]

    def fits(self, size: tuple[float, float], share: float = 0.0) -> bool:
        """Return whether no more than a share of its sides reaches beyond an image of this height and width."""
        return all(
            -share * side <= start and start + (1 - share) * side <= length
            for start, side, length in ((self.x, self.width, size[1]), (self.y, self.height, size[0]))
        )

    def longer_side(self, image: Outcome) -> tuple[float, float]:
        """Return its longer side in pixels of the upright image, and as a share of the image's longer side."""
        height, width = self.frame(image)
        longer = max(self.width * image.upright[1] / width, self.height * image.upright[0] / height)
        return longer, longer / max(image.upright)

    def placed(self, image: Outcome, *, label: str) -> Box:
        """Return the smallest box of whole pixels that holds it in the written image.

        Not clipped to the image: an ellipse in a clipped box would miss parts of a head at the border.
        """
        height, width = self.frame(image)
        x, across = _scaled(self.x, self.width, image.size[1], width)
        y, down = _scaled(self.y, self.height, image.size[0], height)
        return Box(x, y, across, down, label, self.score)

    def refusal(self, message: str) -> PipelineError:
        """Return the error that refuses it."""
        received = ", ".join(f"{name} {getattr(self, name):g}" for name in ("x", "y", "width", "height"))
        return PipelineError(f"{self.entry}: {message}; received: {received}")


def _scaled(start: float, length: float, after: int, before: float) -> tuple[int, int]:
    # Divided last, so that what comes out even stays a whole number.
    first, end = math.floor(start * after / before), math.ceil((start + length) * after / before)
    return first, max(end - first, 1)


Boxes = dict[str, list[Box]]  # by path below `data/raw`


def place_regions(
    regions: dict[str, list[Region]], kept: list[Outcome], params: DataParams
) -> tuple[Boxes, dict[str, float]]:
    """Return the boxes of the written images, and what `metrics/ingest.json` counts of them."""
    boxes: dict[str, dict[tuple, Box]] = {}
    sides = []
    for image in kept:
        names = {image.source.in_source, "" if params.rename else image.path}
        for region in (region for name in sorted(names) for region in regions.get(name, ())):
            # Others may be names of people.
            label = "" if params.rename and region.label not in (FACE, HEAD, PERSON) else region.label
            box = region.placed(image, label=label)
            boxes.setdefault(image.path, {}).setdefault(box[:5], box)
            sides.append(region.longer_side(image))
    placed = {path: list(own.values()) for path, own in boxes.items()}
    count = sum(map(len, placed.values()))
    counts: dict[str, float] = {
        "boxes": count,
        "images_with_boxes": len(placed),
        "boxes_without_image": sum(map(len, regions.values())) - len(sides),
        "boxes_given_twice": len(sides) - count,
    }
    if sides:
        lengths, shares = zip(*sides, strict=True)
        counts |= {"box_side": round(median(lengths), 1), "box_side_share": round(median(shares), 4)}
    return placed, counts
