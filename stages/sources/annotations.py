"""Reads boxes as annotation tools write them: COCO (JSON), YOLO (a text file an image) and Pascal VOC (XML)."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict, ValidationError

from stages.core.errors import PipelineError, printable
from stages.sources.outlines import Corners, corners_of_points, outline_corners
from stages.sources.regions import Region
from stages.sources.tables import composed

_BESIDE_YOLO = re.compile(r"(classes|labels|train|val|test|readme.*)\.txt", re.IGNORECASE)  # or of images of that name
_YOLO_START = re.compile(rb"(\xef\xbb\xbf)?\s*[\d.]+(\s+[-+.\de]+){4}")
_YOLO = "a line of YOLO must hold a class, and 4 numbers of a box, with or without a score, or corners of a polygon"
_WITH_LANDMARKS = 4 + 2 * 5  # numbers of a face's box and of its eyes, nose and corners of the mouth
_VOC_SIDES = ("xmin", "ymin", "xmax", "ymax")


def _region(
    entry: str, name: str, corners: Corners, label: str, score: float | None = None, size: tuple[int, int] | None = None
) -> Region:
    left, top, right, bottom = corners
    unit = "normalized" if size is None else "pixels"
    sides = right - left, bottom - top
    return Region(name, left, top, *sides, label, score, unit, entry, size if size and all(size) else None)


class _CocoImage(BaseModel):
    id: int | str
    file_name: str
    height: int = 0
    width: int = 0


class _CocoAnnotation(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    image_id: int | str
    category_id: int | str | None = None
    bbox: tuple[float, float, float, float] | tuple[()] | None = None
    segmentation: Any = None
    score: float | None = None


class _CocoCategory(BaseModel):
    id: int | str
    name: str


class _Coco(BaseModel):
    images: list[_CocoImage]
    annotations: list[_CocoAnnotation]
    categories: list[_CocoCategory] = []


def read_coco(file: Path) -> Iterator[Region]:
    """Read a COCO file: the box of each annotation, or that around its polygons or run lengths if it has no box."""
    try:
        coco = _Coco.model_validate(json.loads(file.read_bytes()))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole file"
        raise PipelineError(
            f"`{printable(file)}`: `{printable(place)}` must be as in COCO; received: {first['msg']}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise PipelineError(f"`{printable(file)}` must be JSON in UTF-8; received: {printable(error)}") from None
    images = {image.id: image for image in coco.images}
    if len(images) < len(coco.images):
        raise PipelineError(f"`{printable(file)}`: each of `images` must have an `id` of its own; received: one twice")
    names = {category.id: category.name for category in coco.categories}
    for number, annotation in enumerate(coco.annotations):
        entry = f"`{printable(file)}`, annotation {number}"
        image = images.get(annotation.image_id)
        if image is None:
            raise PipelineError(f"{entry}: `image_id` must be of an image; received: {printable(annotation.image_id)}")
        try:
            corners = _coco_corners(annotation)
        except (TypeError, ValueError, KeyError, IndexError, OverflowError):
            raise PipelineError(
                f"{entry}: it must have a `bbox`, or polygons or run lengths as its `segmentation`; received: neither"
            ) from None
        label = names.get(annotation.category_id, "") if annotation.category_id is not None else ""
        region = _region(entry, image.file_name, corners, label, annotation.score, (image.height, image.width))
        yield region._replace(outline=annotation.segmentation)


def _coco_corners(annotation: _CocoAnnotation) -> Corners:
    if annotation.bbox:
        x, y, width, height = annotation.bbox
        return x, y, x + width, y + height
    return outline_corners(annotation.segmentation)


def read_voc(file: Path) -> Iterator[Region]:
    """Read a Pascal VOC file, whose pixels count from 0 or from 1: so each box gets one more on the left and above."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        if "<!DOCTYPE" in text.upper():
            raise PipelineError(f"`{printable(file)}` must have no DOCTYPE, so no entities; received: one")
        root = ElementTree.fromstring(text)
        for number, thing in enumerate(root.iter("object"), 1):
            left, top, right, bottom = (float(thing.findtext(f"bndbox/{side}", "")) for side in _VOC_SIDES)
            height, width = (int(root.findtext(f"size/{side}") or 0) for side in ("height", "width"))
            entry, label = f"`{printable(file)}`, object {number}", thing.findtext("name", "").strip()
            corners = (left - 1, top - 1, right, bottom)
            yield _region(entry, root.findtext("filename", ""), corners, label, size=(height, width))
    except (ElementTree.ParseError, ValueError) as error:
        raise PipelineError(f"`{printable(file)}` must be Pascal VOC in UTF-8; received: {printable(error)}") from None


def is_yolo(file: Path) -> bool:
    """Tell whether a text holds boxes, and not names of classes, paths of images or notes."""
    return not _BESIDE_YOLO.fullmatch(file.name) or bool(_YOLO_START.match(file.read_bytes()))


def read_yolo(file: Path, name: str, labels: list[str]) -> Iterator[Region]:
    """Read a YOLO file: `class x_center y_center width height`, with a score or not, or `class x y x y x y ...`."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise PipelineError(f"`{printable(file)}` must be a text in UTF-8; received: another encoding") from None
    for line, text in enumerate(lines, 1):
        entry, cells = f"`{printable(file)}`, line {line}", text.split()
        if not cells:
            continue
        try:
            number, values = int(float(cells[0])), [float(cell) for cell in cells[1:]]
            is_box = len(values) in (4, 5, _WITH_LANDMARKS)
            if not is_box and (len(values) < 6 or len(values) % 2):
                raise ValueError
        except (ValueError, OverflowError):
            raise PipelineError(f"{entry}: {_YOLO}; received: {printable(text[:100])}") from None
        if is_box:
            x, y, width, height = values[:4]
            corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            if len(values) == _WITH_LANDMARKS and min(values) >= 0:  # or a polygon of 7 corners: hold either
                around = corners_of_points(values)
                corners = (*map(min, corners[:2], around[:2]), *map(max, corners[2:], around[2:]))  # type: ignore[assignment]
        else:
            corners = corners_of_points(values)
        label = labels[number] if 0 <= number < len(labels) else str(number)
        yield _region(entry, name, corners, label, values[4] if len(values) == 5 else None)


class ImageNames:
    """Finds the image that an annotation names: tools write its path from another folder than the source."""

    def __init__(self, places: Iterable[str], *, with_suffix: bool):
        self._by_name: dict[str, list[tuple[str, str]]] = {}
        for place in sorted(set(places)):
            path = _normal(place)
            key = path if with_suffix or "." not in path.rpartition("/")[2] else path[: path.rfind(".")]
            self._by_name.setdefault(key.rpartition("/")[2], []).append((key, place))

    def find(self, region: Region) -> str:
        """Return the path of the one file whose path ends like the name, or with which the name ends."""
        name = _normal(region.name)
        found = [
            (key == name, place)
            for key, place in self._by_name.get(name.rpartition("/")[2], [])
            if f"/{key}".endswith(f"/{name}") or f"/{name}".endswith(f"/{key}")
        ]
        places = [place for is_exact, place in found if is_exact] or [place for _, place in found]
        if len(places) != 1:
            what = f"{len(places)} files of that name" if places else "no such file in the source"
            raise PipelineError(
                f"{region.entry}: it must name one image of the source; received: {printable(region.name)}, {what}"
            )
        return places[0]


def _normal(path: str) -> str:
    return composed(path.strip().replace("\\", "/")).removeprefix("./").lstrip("/")
