"""Silhouettes of people in the files of the source: PNG files in `masks/`, and outlines in a COCO file."""

import io
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import PngImagePlugin

from stages.core.boxes import FACE, HEAD, PERSON, Box
from stages.core.errors import PipelineError, line_of, printable
from stages.core.params import DataParams
from stages.core.store import key_of
from stages.sources.containers import clean_png
from stages.sources.files import RejectedImage, SourceFile, check_file, link_limit
from stages.sources.listing import walk_folder
from stages.sources.outcomes import Outcome
from stages.sources.outlines import draw_outline
from stages.sources.regions import Region
from stages.sources.signatures import is_litter
from stages.sources.tables import composed

MASKS = "masks"  # a folder that a source may have at its top
_OF_PEOPLE = ("", FACE, HEAD, PERSON)  # labels; a box of another one may be a car's, with somebody in it
_MOST_PARTS = 100  # of a silhouette that get boxes of their own


def pair_masks(files: Iterable[SourceFile], params: DataParams) -> dict[str, str]:
    """Return the silhouette of each file that has one in `masks/`, both as paths relative to the source.

    A folder of that name in which nothing has the path of a file is no folder of silhouettes, but a class, or photos.
    """
    source = Path(params.source)
    if not (source / MASKS).is_dir():
        return {}
    images: dict[str, list[str]] = {}
    for file in files:
        if not file.refused and not file.in_source.startswith(f"{MASKS}/"):
            images.setdefault(_without_suffix(file.in_source), []).append(file.in_source)
    pairs, odd = {}, []
    for name in walk_folder(source / MASKS, within=link_limit(params)):
        found = images.get(_without_suffix(name), []) if name.lower().endswith(".png") else []
        if len(found) == 1 and found[0] not in pairs:
            pairs[found[0]] = f"{MASKS}/{name}"
        elif not is_litter(name):
            odd.append((name, "a second silhouette of one" if len(found) == 1 else f"{len(found)} images of that path"))
    if pairs and odd:
        name, received = odd[0]
        raise PipelineError(
            f"`{printable(source / MASKS / name)}` must be a .png of the path of one image of the source; received: "
            f"{received}; if `{MASKS}` holds images, rename it"
        )
    return pairs


def _without_suffix(path: str) -> str:
    folder, slash, name = composed(path).rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)


class Silhouettes:
    """The silhouettes of a source's files."""

    def __init__(self, files: Iterable[SourceFile], regions: dict[str, list[Region]], params: DataParams):
        self._params = params
        self._masks = pair_masks(files, params)
        outlines = {path: [region for region in own if region.outline] for path, own in regions.items()}
        self._outlines = {path: own for path, own in outlines.items() if own}
        self._known = self._masks.keys() | self._outlines.keys()

    def images_of(self, kept: Iterable[Outcome]) -> list[Outcome]:
        """Return the images that have one."""
        return [image for image in kept if image.source.in_source in self._known]

    def __len__(self) -> int:
        """Count the files that have one."""
        return len(self._known)

    def key(self, image: Outcome) -> str:
        """Return a key of all that an image's silhouette depends on."""
        outlines = [region.outline for region in self._outlines.get(image.source.in_source, ())]
        return key_of(("core", "sources"), image.size, image.upright, outlines, self._read(image))

    def draw(self, image: Outcome) -> np.ndarray:
        """Return an image's silhouette in the size in which it is written, (height, width) bool."""
        mask = self._decode(image)
        for region in self._outlines.get(image.source.in_source, ()):
            try:
                mask |= draw_outline(region.outline, image.upright)
            except (TypeError, ValueError, KeyError, OverflowError):
                height, width = image.upright
                raise PipelineError(
                    f"{region.entry}: its `segmentation` must be polygons, or run lengths of an image of {height} x "
                    f"{width} (height x width); received: something else"
                ) from None
        return _scaled(mask, image.size)

    def boxes(self, image: Outcome, known: list[Box]) -> list[Box]:
        """Return boxes around those parts of the silhouette in `masks/` that no known box of a person holds."""
        return boxes_around(_scaled(self._decode(image), image.size), known) if self._file(image) else []

    def _file(self, image: Outcome) -> Path | None:
        place = self._masks.get(image.source.in_source)
        return None if place is None else Path(self._params.source, place)

    def _read(self, image: Outcome) -> bytes | None:
        file = self._file(image)
        if file is None:
            return None
        try:
            check_file(file, link_limit(self._params))
            return file.read_bytes()
        except (RejectedImage, OSError) as error:
            raise PipelineError(f"`{printable(file)}` must be a silhouette; received: {line_of(error)}") from None

    def _decode(self, image: Outcome) -> np.ndarray:
        height, width = image.upright
        file, content = printable(self._file(image)), self._read(image)
        if content is None:
            return np.zeros(image.upright, bool)
        try:
            with PngImagePlugin.PngImageFile(io.BytesIO(clean_png(content).content)) as png:
                mode, size = png.mode, png.size
                levels = np.asarray(png if size == (width, height) else 0)  # a file may be large when unpacked
        except Exception as error:  # a decoder may raise anything on broken bytes
            raise PipelineError(f"`{file}` must be a whole PNG file; received: {line_of(error)}") from None
        if mode != "L":
            raise PipelineError(f"`{file}` must be a grey PNG of 8 bits; received: pixels of the mode {mode}")
        if size != (width, height):
            raise PipelineError(
                f"`{file}` must have the size of its upright image, {width} x {height} pixels; received: "
                f"{size[0]} x {size[1]}"
            )
        odd = levels[(levels != 0) & (levels != 255)]
        if odd.size:
            raise PipelineError(f"`{file}` must hold 0 and 255 alone; received: {odd[0]} too")
        return levels > 0


def _scaled(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if mask.shape == size:
        return mask
    # Each pixel that people cover in part is theirs.
    return cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA) > 0


def boxes_around(mask: np.ndarray, boxes: list[Box]) -> list[Box]:
    """Return boxes around the parts of a silhouette that no box of a person holds, so that none is left open."""
    _, _, parts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    found = [Box(x, y, width, height, PERSON) for x, y, width, height, _ in parts[1:].tolist()]
    found = [part for part in found if not any(box.label in _OF_PEOPLE and _holds(box, part) for box in boxes)]
    if len(found) <= _MOST_PARTS:
        return found
    left, top = min(box.x for box in found), min(box.y for box in found)
    right, bottom = max(box.x + box.width for box in found), max(box.y + box.height for box in found)
    return [Box(left, top, right - left, bottom - top, PERSON)]


def _holds(box: Box, part: Box) -> bool:
    return (
        box.x <= part.x
        and box.y <= part.y
        and part.x + part.width <= box.x + box.width
        and part.y + part.height <= box.y + box.height
    )
