"""Refuses boxes that are not of their image as it is decoded: in another unit, or before EXIF's rotation."""

import io
from collections.abc import Callable, Iterable

from PIL import Image

from stages.core.errors import printable
from stages.core.params import DataParams
from stages.sources.decoding import FORMATS, longest_file
from stages.sources.files import RejectedImage, link_limit, read_source
from stages.sources.outcomes import Outcome
from stages.sources.pixels import orientation
from stages.sources.regions import Region

_BEYOND = 0.25  # share of a box's side that may reach beyond its image
_CHANCE = 0.05  # that all boxes lie in a corner; if it is less, they have another unit


def check_regions(
    regions: dict[str, list[Region]], decoded: Iterable[Outcome], kept: list[Outcome], params: DataParams
) -> None:
    """Refuse boxes that are not of their image as it is decoded, as far as that can be seen."""
    sources = {image.source.in_source: image for image in decoded}
    written = {image.path: image for image in kept}
    pairs = []
    for path, boxes in regions.items():
        image = written.get(path) if boxes[0].unit == "written" else sources.get(path)
        if path in written and path in sources and written[path].source.in_source != path:
            raise boxes[0].refusal(
                f"`path` must name one image; received: {printable(path)}, which is in the source, and "
                f"`{printable(written[path].source.in_source)}` is called so in data/raw"
            )
        if boxes[0].unit == "written" and image is None:
            raise boxes[0].refusal(
                f"`path` must name a file of the source, or an image of data/raw; received: {printable(path)}"
            )
        if image is not None and not image.rejected:
            pairs += [(box, image) for box in boxes]
    for region, image in pairs:
        height, width = image.upright
        if not region.overlaps(region.frame(image)):
            raise region.refusal(f"a box must overlap its image, upright {width} x {height} pixels")
        if region.size not in (None, image.upright):
            raise region.refusal(
                f"a box must be of the upright image, {width} x {height} pixels; it is of one of "
                f"{region.size[1]} x {region.size[0]} pixels"
            )
    in_pixels = [(region, image) for region, image in pairs if region.unit == "pixels" and region.size is None]
    _refuse_stored(in_pixels, params)
    _refuse_frame(in_pixels, lambda image: (100, 100), "are in percent, for which there is `regions.unit: percent`")
    _refuse_frame(
        in_pixels, lambda image: image.size, "are of the images of data/raw, which `data.max_side` scales down"
    )


def _refuse_frame(pairs: list[tuple[Region, Outcome]], frame_of: Callable, what: str) -> None:
    """Refuse boxes that all lie in the same small corner of their images, if that is unlikely to be chance."""
    chance = 1.0
    for region, image in pairs:
        frame = frame_of(image)
        if not region.fits(frame, 0.01):
            return
        shares = [min(1.0, side / whole) for side, whole in zip(frame, image.upright, strict=True)]
        chance *= shares[0] * shares[1] if max(shares) <= 0.5 else 1
    if chance < _CHANCE:
        raise pairs[0][0].refusal(
            f"boxes must be in pixels of the upright images; all {len(pairs)} lie in the upper left corner, as if they "
            f"{what}"
        )


def _refuse_stored(pairs: list[tuple[Region, Outcome]], params: DataParams) -> None:
    """Refuse boxes that fit pictures as they are stored, unless more boxes fit the upright ones alone."""
    sideways = [
        pair for pair in pairs if not pair[0].fits(pair[1].upright, _BEYOND) and pair[0].fits(pair[1].upright[::-1])
    ]
    sideways = [pair for pair in sideways if _is_turned(pair[1], params)]
    if not sideways:
        return
    upright = [
        pair for pair in pairs if pair[0].fits(pair[1].upright) and not pair[0].fits(pair[1].upright[::-1], _BEYOND)
    ]
    if sum(_is_turned(image, params) for _, image in upright) <= len(sideways):
        region, image = sideways[0]
        height, width = image.upright
        raise region.refusal(
            f"a box must be of the upright picture, {width} x {height} pixels, as EXIF turns it; it fits the stored "
            f"one, {height} x {width} pixels"
        )


def _is_turned(image: Outcome, params: DataParams) -> bool:
    try:
        content = read_source(image.source, max_bytes=longest_file(params.max_pixels), within=link_limit(params))
        with Image.open(io.BytesIO(content), formats=FORMATS) as stored:
            # Pillow tells the upright size of a TIFF file.
            size = stored.size[::-1] if stored.format == "TIFF" and orientation(stored) in range(5, 9) else stored.size
            return size == image.upright != size[::-1]
    except (RejectedImage, OSError):
        return False
