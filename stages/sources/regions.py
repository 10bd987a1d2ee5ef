"""Reads where people are in the files of the source, and finds the same places in the images that are written."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from stages.core.boxes import FACE, HEAD, PERSON, REGIONS, Box
from stages.core.errors import PipelineError, shown
from stages.core.images import SPLITS
from stages.core.params import DataParams, RegionParams
from stages.sources.annotations import Annotation, ImageNames, is_yolo, read_coco, read_voc, read_yolo
from stages.sources.finding import link_limit
from stages.sources.intake import Taken
from stages.sources.listing import list_places
from stages.sources.naming import valid_name
from stages.sources.places import composed, find_table
from stages.sources.reading import SourceFile
from stages.sources.signatures import may_be_image, suffix_of
from stages.sources.tables import columns_of, read_rows

_MOST = 2**30  # pixels; images have fewer, and sums of two still fit into 32 bits
_FULL = {"normalized": 1, "percent": 100}  # the number that stands for a whole side
# How tables name the sides of a box: its upper left corner and its size, two corners, or its centre and its size.
_HEADERS = (
    ("x", "y", "width", "height"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
    ("x_center", "y_center", "width", "height"),
)


class Region(NamedTuple):
    """A rectangle in a file of the source, in its unit."""

    x: float
    y: float
    width: float
    height: float
    label: str
    score: float | None
    unit: str  # pixels of the upright image, normalized, percent, or written: pixels of the image in `data/raw`
    entry: str  # file and line, or what else the file calls it
    size: tuple[int, int] | None = None  # height and width of the image, as the file says

    def frame(self, image: Taken) -> tuple[float, float]:
        """Return the height and width of an image in this unit."""
        full = _FULL.get(self.unit)
        return (full, full) if full else image.size if self.unit == "written" else image.upright

    def overlaps(self, size: tuple[float, float]) -> bool:
        """Return whether it shares an area with an image of this height and width."""
        return -self.width < self.x < size[1] and -self.height < self.y < size[0]

    def longer_side(self, image: Taken) -> tuple[float, float]:
        """Return its longer side in pixels of the upright image, and as a share of the image's longer side."""
        height, width = self.frame(image)
        longer = max(self.width * image.upright[1] / width, self.height * image.upright[0] / height)
        return longer, longer / max(image.upright)

    def placed(self, image: Taken, *, label: str) -> Box:
        """Return the smallest box of whole pixels that holds it in the written image.

        Not clipped to the image: an ellipse in a clipped box would miss parts of a head at the border.
        """
        height, width = self.frame(image)
        x, across = _scaled(self.x, self.width, image.size[1], width)
        y, down = _scaled(self.y, self.height, image.size[0], height)
        return Box(x, y, across, down, label, self.score)

    def fits(self, size: tuple[float, float], share: float = 0.0) -> bool:
        """Return whether no more than a share of its sides reaches beyond an image of this height and width."""
        return all(
            -share * side <= start and start + (1 - share) * side <= length
            for start, side, length in ((self.x, self.width, size[1]), (self.y, self.height, size[0]))
        )

    def refusal(self, message: str) -> PipelineError:
        """Return the error that refuses it."""
        received = ", ".join(f"{name} {getattr(self, name):g}" for name in ("x", "y", "width", "height"))
        return PipelineError(f"{self.entry}: {message}; received: {received}")


def _scaled(start: float, length: float, after: int, before: float) -> tuple[int, int]:
    # Divided last, so that what comes out even stays a whole number.
    first, end = math.floor(start * after / before), math.ceil((start + length) * after / before)
    return first, max(end - first, 1)


class PlacedBoxes(NamedTuple):
    """The boxes of the written images, and how many rows of the table became none."""

    boxes: dict[str, list[Box]]  # by path below `data/raw`
    without_image: int
    given_twice: int
    sides: list[tuple[float, float]]  # of each box: its longer side in pixels of the upright image, and its share

    @property
    def counts(self) -> dict[str, float]:
        """What goes into `metrics/ingest.json`."""
        sides, shares = zip(*self.sides, strict=True) if self.sides else ((), ())
        return {
            "boxes": sum(map(len, self.boxes.values())),
            "images_with_boxes": len(self.boxes),
            "boxes_without_image": self.without_image,
            "boxes_given_twice": self.given_twice,
        } | ({"box_side": round(median(sides), 1), "box_side_share": round(median(shares), 4)} if sides else {})


def read_regions(files: list[SourceFile], params: DataParams, how: RegionParams) -> dict[str, list[Region]]:
    """Read where people are in the files of the source.

    `regions.file` says so: a table with the columns `path` and those of `_HEADERS`, and optionally `label` and `score`,
    or what annotation tools write.
    """
    source = Path(params.source)
    regions: defaultdict[str, list[Region]] = defaultdict(list)
    file = find_table(source, REGIONS) if how.file == REGIONS else source / how.file
    if file is None:
        return {}
    if not file.exists():
        raise PipelineError(f"`regions.file` must lie in the source; received: {shown(file)} (no such file or folder)")
    if file.suffix.lower() == ".csv":
        found = _read_table(file, files, params, how.unit)
    else:
        found = _read_annotations(file, files, params)
    for path, region in found:
        regions[path].append(_checked(region))
    return dict(regions)


def _read_table(file: Path, files: list[SourceFile], params: DataParams, unit: str) -> Iterator[tuple[str, Region]]:
    columns = columns_of(file)
    sides = next((names for names in _HEADERS if columns.issuperset(names)), _HEADERS[0])
    taken = {file.in_source for file in files}
    alike = set() if params.rename else {_any_suffix(path) for path in taken}
    rows = read_rows(
        file,
        sides,
        taken=taken,
        list_all=lambda: list_places(Path(params.source), link_limit(params)),
        optional=("label", "score"),
        is_written=lambda path: _any_suffix(path) in alike,
    )
    for row in rows:
        entry = f"`{shown(file)}`, line {row.line}"
        first, second, third, fourth = (_number(row.cells[name], name, entry, unit) for name in sides)
        if sides == _HEADERS[-1]:
            first, second = first - third / 2, second - fourth / 2
        elif "width" not in sides:
            third, fourth = third - first, fourth - second
        score = _number(row.cells["score"], "score", entry, unit) if row.cells["score"] else None
        # `detections.csv` has the names, and so the pixels, of `data/raw`.
        is_written = unit == "pixels" and row.path not in taken and _any_suffix(row.path) in alike
        of = "written" if is_written else unit
        yield row.path, Region(first, second, third, fourth, row.cells["label"], score, of, entry)


def _any_suffix(path: str) -> str:
    folder, _, name = composed(path).rpartition("/")
    split, _, below = folder.partition("/")
    return "/".join(
        [valid_name(part) for part in (below if split in SPLITS else folder).split("/")] + [name.split(".")[0]]
    )


def _number(cell: str, name: str, entry: str, unit: str) -> float:
    most = 2 * _FULL[unit] if unit in _FULL else _MOST
    in_unit = f" with `regions.unit: {unit}`" if unit in _FULL else ""
    allowed, lowest = f"a number from -{most} to {most}{in_unit}", -most
    if name == "score":
        allowed, lowest, most = "a number from 0 to 1, or empty", 0, 1
    elif name in ("width", "height"):
        allowed, lowest = f"a number above 0, at most {most}{in_unit}", 0
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not lowest <= value <= most or (name in ("width", "height") and value == 0):
        raise PipelineError(f"{entry}: `{name}` must be {allowed}; received: {shown(cell)}")
    return value


def _read_annotations(file: Path, files: list[SourceFile], params: DataParams) -> Iterator[tuple[str, Region]]:
    places = {*(file.in_source for file in files), *list_places(Path(params.source), link_limit(params))}
    unit = "pixels"
    annotations: Iterable[Annotation] = () if file.is_dir() else read_coco(file)
    if file.is_dir():
        found = [path for path in sorted(file.rglob("*")) if path.suffix.lower() in (".xml", ".txt") and path.is_file()]
        voc = [path for path in found if path.suffix.lower() == ".xml"]
        if not found:
            raise PipelineError(f"`regions.file` must hold .txt or .xml files; received: none in {shown(file)}")
        yolo = [path for path in found if path.suffix.lower() == ".txt" and is_yolo(path)]
        if voc and yolo:
            raise PipelineError(
                f"`regions.file` must hold either .xml or .txt files of boxes; received: both, such as "
                f"{shown(voc[0])} and {shown(yolo[0])}"
            )
        if not voc:
            unit = "normalized"
        annotations = itertools.chain.from_iterable(map(read_voc, voc) if voc else _read_yolo(file, yolo))
    names = ImageNames((place for place in places if may_be_image(suffix_of(place), b"")), with_suffix=unit == "pixels")
    for annotation in annotations:
        left, top, right, bottom = annotation.corners
        region = Region(
            left, top, right - left, bottom - top, annotation.label, annotation.score, unit, annotation.entry,
            annotation.size if all(annotation.size or (0,)) else None,
        )  # fmt: skip
        yield names.find(annotation), region


def _read_yolo(folder: Path, files: list[Path]) -> Iterator[Iterator[Annotation]]:
    labels = folder / "classes.txt"
    names = labels.read_text(encoding="utf-8-sig").splitlines() if labels.is_file() else []
    for file in files:
        yield read_yolo(file, str(file.relative_to(folder).with_suffix("")), names)


def _checked(region: Region) -> Region:
    place = (region.x, region.y, region.x + region.width, region.y + region.height)
    most = 2 * _FULL.get(region.unit, _MOST)
    if not (region.width > 0 and region.height > 0 and all(abs(number) <= most for number in place)):
        raise region.refusal(f"a box must have a width and a height, and lie within {most} of the origin")
    if not region.label.isprintable():
        message = f"`label` must be a text that can be printed, in one line; received: {shown(region.label)}"
        raise PipelineError(f"{region.entry}: {message}")
    if region.unit in ("pixels", "percent") and min(place) >= -1 and max(place) <= 2:
        raise region.refusal(
            f"a box must be in {region.unit}; this one looks normalized, for which there is `regions.unit: normalized`"
        )
    return region


def place_regions(regions: dict[str, list[Region]], kept: list[Taken], params: DataParams) -> PlacedBoxes:
    """Find the boxes of the written images."""
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
    without_image = sum(map(len, regions.values())) - len(sides)
    return PlacedBoxes(placed, without_image, len(sides) - sum(map(len, placed.values())), sides)
