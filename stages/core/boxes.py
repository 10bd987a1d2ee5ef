"""Where people are in the images of `data/raw`: tables of boxes that `ingest` and `detect` keep in `data/`."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from stages.core.files import read_table, write_table
from stages.core.paths import REGIONS_FILE

REGIONS = REGIONS_FILE.name  # optional, at the top of a source
REGION = "region_"  # prefix of attackers that see the main region alone, and of their results
FACE, HEAD, PERSON = "face", "head", "person"  # labels with a meaning
_COLUMNS = ("path", "x", "y", "width", "height", "label", "score")


class Box(NamedTuple):
    """A rectangle in an image, in pixels; it may reach beyond the image."""

    x: int  # of its left edge
    y: int  # of its upper edge
    width: int
    height: int
    label: str = ""
    score: float | None = None  # 0 to 1, of a detector

    @property
    def area(self) -> int:
        """In square pixels."""
        return self.width * self.height

    def overlap(self, box: "Box") -> float:
        """Return the area that two boxes share, as a share of the area that they cover together."""
        across = min(self.x + self.width, box.x + box.width) - max(self.x, box.x)
        down = min(self.y + self.height, box.y + box.height) - max(self.y, box.y)
        shared = max(across, 0) * max(down, 0)
        return shared / (self.area + box.area - shared) if shared else 0.0


def write_boxes(file: Path, boxes: dict[str, list[Box]]) -> None:
    """Write boxes, sorted by image; those of an image stay in their order."""
    own = ((path, box) for path in sorted(boxes) for box in boxes[path])
    rows = ([path, *box[:5], "" if box.score is None else f"{box.score:.4f}"] for path, box in own)
    write_table(file, [_COLUMNS, *rows])


def with_labels(boxes: dict[str, list[Box]], labels: Collection[str] | None) -> dict[str, list[Box]]:
    """Return the boxes of some labels, or all; an image without such a box has no entry."""
    if labels is None:
        return boxes
    chosen = {path: [box for box in own if box.label in labels] for path, own in boxes.items()}
    return {path: own for path, own in chosen.items() if own}


def row_numbers(boxes: dict[str, list[Box]], labels: Collection[str] | None = None) -> dict[str, list[int]]:
    """Return the lines of each image's boxes, of some labels or all, in their table; the header is line 1."""
    lines, line = {}, 1
    for path in sorted(boxes):
        numbered = [(line := line + 1, box) for box in boxes[path]]
        lines[path] = [number for number, box in numbered if labels is None or box.label in labels]
    return lines


def read_boxes(file: Path) -> dict[str, list[Box]]:
    """Read what `write_boxes` wrote, by path below `data/raw`; an image without boxes has no entry."""
    boxes: dict[str, list[Box]] = {}
    for row in read_table(file):
        x, y, width, height = (int(row[name]) for name in _COLUMNS[1:5])
        box = Box(x, y, width, height, row["label"], float(row["score"]) if row["score"] else None)
        boxes.setdefault(row["path"], []).append(box)
    return boxes
