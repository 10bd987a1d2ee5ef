"""Reads where people are in the files of the source: a table, or what annotation tools write."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from stages.core.boxes import REGIONS
from stages.core.errors import PipelineError, printable
from stages.core.images import SPLITS
from stages.core.params import DataParams, RegionParams
from stages.sources.annotations import ImageNames, is_yolo, read_coco, read_voc, read_yolo
from stages.sources.files import SourceFile
from stages.sources.listing import list_places
from stages.sources.masks import pair_masks
from stages.sources.names import valid_name
from stages.sources.regions import FULL, Region
from stages.sources.signatures import may_be_image, suffix_of
from stages.sources.tables import composed, find_table, read_rows, source_places

_MOST = 2**30  # pixels; images have fewer, and sums of two still fit into 32 bits
# How tables name the sides of a box: its upper left corner and its size, or two corners.
_HEADERS = (("x", "y", "width", "height"), ("xmin", "ymin", "xmax", "ymax"), ("left", "top", "right", "bottom"))


def read_regions(files: list[SourceFile], params: DataParams, how: RegionParams) -> dict[str, list[Region]]:
    """Read where people are in the files of the source, by path: what `regions.file` says."""
    file = find_table(params, REGIONS) if how.file == REGIONS else Path(params.source, how.file)
    if file is None:
        return {}
    if not file.exists():
        raise PipelineError(
            f"`regions.file` must lie in the source; received: {printable(file)} (no such file or folder)"
        )
    regions: defaultdict[str, list[Region]] = defaultdict(list)
    read = _read_table if file.suffix.lower() == ".csv" else _read_annotations
    for path, region in read(file, files, params, how.unit):
        regions[path].append(_checked(region))
    return dict(regions)


def _read_table(file: Path, files: list[SourceFile], params: DataParams, unit: str) -> Iterator[tuple[str, Region]]:
    taken = {file.in_source for file in files}
    alike = set() if params.rename else {_any_suffix(path) for path in taken}
    rows = read_rows(
        file,
        _HEADERS,
        source_places(files, params),
        optional=("label", "score"),
        is_written=lambda path: _any_suffix(path) in alike,
    )
    for row in rows:
        entry = f"`{printable(file)}`, line {row.line}"
        sides = next(names for names in _HEADERS if set(names) <= row.cells.keys())
        first, second, third, fourth = (_number(row.cells[name], name, entry) for name in sides)
        if "width" not in sides:
            third, fourth = third - first, fourth - second
        score = _number(row.cells["score"], "score", entry) if row.cells["score"] else None
        if not 0 <= (score or 0) <= 1:
            raise PipelineError(f"{entry}: `score` must be a number from 0 to 1, or empty; received: {score:g}")
        # `detections.csv` has the names, and so the pixels, of `data/raw`.
        is_written = unit == "pixels" and row.path not in taken and _any_suffix(row.path) in alike
        of = "written" if is_written else unit
        yield row.path, Region(row.path, first, second, third, fourth, row.cells["label"], score, of, entry)


def _any_suffix(path: str) -> str:
    folder, _, name = composed(path).rpartition("/")
    split, _, below = folder.partition("/")
    folders = (below if split in SPLITS else folder).split("/")
    return "/".join([*map(valid_name, folders), name.split(".")[0]])


def _number(cell: str, name: str, entry: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PipelineError(f"{entry}: `{name}` must be a number; received: {printable(cell)}")
    return value


def _read_annotations(file: Path, files: list[SourceFile], params: DataParams, _: str) -> Iterator[tuple[str, Region]]:
    places = {*(file.in_source for file in files), *list_places(params)}
    places.difference_update(pair_masks(files, params).values())
    regions = list(_read_folder(file) if file.is_dir() else read_coco(file))
    with_suffix = all(region.unit == "pixels" for region in regions)  # not in YOLO
    names = ImageNames((place for place in places if may_be_image(suffix_of(place), b"")), with_suffix=with_suffix)
    for region in regions:
        yield names.find(region), region


def _read_folder(folder: Path) -> Iterable[Region]:
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".xml", ".txt") and path.is_file()]
    voc = [path for path in found if path.suffix.lower() == ".xml"]
    if not found:
        raise PipelineError(f"`regions.file` must hold .txt or .xml files; received: none in {printable(folder)}")
    yolo = [path for path in found if path.suffix.lower() == ".txt" and is_yolo(path)]
    if voc and yolo:
        raise PipelineError(
            f"`regions.file` must hold either .xml or .txt files of boxes; received: both, such as "
            f"{printable(voc[0])} and {printable(yolo[0])}"
        )
    if voc:
        return itertools.chain.from_iterable(map(read_voc, voc))
    classes = folder / "classes.txt"
    labels = classes.read_text(encoding="utf-8-sig").splitlines() if classes.is_file() else []
    names = (str(path.relative_to(folder).with_suffix("")) for path in yolo)
    return itertools.chain.from_iterable(read_yolo(*pair, labels) for pair in zip(yolo, names, strict=True))


def _checked(region: Region) -> Region:
    most = 2 * FULL.get(region.unit, _MOST)
    if not (region.width > 0 and region.height > 0 and all(abs(number) <= most for number in region.corners)):
        raise region.refusal(
            f"a box must have a width and a height, and lie within {most} {region.unit} of the origin; "
            "`regions.unit` is that of a table"
        )
    if not region.label.isprintable():
        message = f"`label` must be a text that can be printed, in one line; received: {printable(region.label)}"
        raise PipelineError(f"{region.entry}: {message}")
    if region.unit in ("pixels", "percent") and min(region.corners) >= -1 and max(region.corners) <= 2:
        raise region.refusal(
            f"a box must be in {region.unit}; this one looks normalized, for which there is `regions.unit: normalized`"
        )
    return region
