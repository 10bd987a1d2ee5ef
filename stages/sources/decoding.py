"""Turns the bytes of any image file into upright 8-bit RGB pixels without metadata, or says why it cannot."""

import ctypes
import io
import logging
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pi_heif
from PIL import AvifImagePlugin, Image, PngImagePlugin, TiffImagePlugin

from stages.core.errors import line_of, printable
from stages.sources.containers import UnreadableImageError, clean_png, walk_jpeg, walk_tiff
from stages.sources.files import RejectedImage
from stages.sources.pixels import count_levels, to_rgb
from stages.sources.signatures import HEAD, unread_format

# Recognized by content; PPM covers PGM and PBM, JPEG covers MPO. What `mif1` says may be AVIF or HEIF.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM", "GIF", "AVIF", "HEIF")
# Bytes of anything but pixels that a file may hold, packed or not.
_MOST_METADATA = 2**26
_MOST_PASSES = 100  # over an image of `max_pixels`, of a second or less each
_END_OF_JPEG = b"\xff\xd9"
_FILLS = (b"", b"\xaa" * 64, b"\x55" * 64)
_FEW_LEVELS = 32  # of 256

# Pillow also raises its errors; on standard error they would not name the file.
logging.getLogger("PIL").addHandler(logging.NullHandler())
# The same for libtiff, which prints from C on any thread. Where it is linked statically, it cannot be silenced.
with suppress(AttributeError):
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)
# We check our own bound (`max_pixels`) before decoding, and share the work between images.
Image.MAX_IMAGE_PIXELS = None
PngImagePlugin.MAX_TEXT_CHUNK = _MOST_METADATA
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
Image.init()
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
# Kinds of deep grey that Pillow decodes, but does not look for.
TiffImagePlugin.OPEN_INFO |= {
    (b"MM", 0, (1,), 1, (16,), ()): ("I;16B", "I;16B"),
    (b"II", 0, (1,), 1, (12,), ()): ("I;16", "I;12"),
    (b"MM", 0, (1,), 1, (12,), ()): ("I;16", "I;12"),
    (b"MM", 1, (1,), 1, (12,), ()): ("I;16", "I;12"),
}


class Decoded(NamedTuple):
    """An image, and what its owner should know of it."""

    pixels: np.ndarray  # (height, width, 3) uint8, RGB
    notes: dict[str, int]  # a key of `NOTES`, and how much of it there is


# What a note says of files.
NOTES = {
    "further_pictures": "hold more pictures than the first, which alone is taken",
    "bytes_after_image": "hold something else after the image, such as a video",
    "end_missing": "have all pixels, but no end mark",
    "profile_unused": "have a colour profile that cannot be used",
    "levels": f"use at most {_FEW_LEVELS} of 256 levels, where a detector may miss faces",
}


def longest_file(max_pixels: int) -> int:
    """Return the size limit of an image file in bytes: 16-bit colour and alpha, and room for everything else."""
    return 8 * max_pixels + _MOST_METADATA


def decode_image(content: bytes, *, max_pixels: int) -> Decoded:
    """Decode an image file of any supported format to upright RGB.

    EXIF rotation is applied where it can be read, and colour profiles are converted to sRGB. Grey, palette, CMYK, YCbCr
    and Lab become RGB; deep grey is scaled from the depth that the file tells, and deep colour keeps its high byte;
    transparency is laid on white. The first of several pictures is used.
    """
    if not content:
        raise RejectedImage("the file is empty")
    try:
        return _decode(content, max_pixels)
    except RejectedImage:
        raise
    except MemoryError:
        raise RejectedImage("not enough memory to decode the image") from None
    except Exception as error:
        # A decoder may raise anything on broken bytes; the file is named, its content is not.
        reason = printable(error) if isinstance(error, UnreadableImageError) else line_of(error)
        raise RejectedImage(f"the image is broken or of an unsupported kind ({reason[:200]})") from None


def _decode(content: bytes, max_pixels: int) -> Decoded:
    image_format, notes, whole = _format_of(content), {}, content
    bits, end, lacks_end_alone = None, None, False
    if image_format == "PNG":
        content, notes["further_pictures"], bits, end = clean_png(content)
    elif image_format == "TIFF":
        is_camera_raw, notes["further_pictures"] = walk_tiff(content)
        if is_camera_raw:
            raise RejectedImage(_unread("camera raw"))
    with _open(content, image_format) as image:
        _check_pixels(image, max_pixels)
        if content[24:26] == b"\x10\x02" and isinstance(level := image.info.get("transparency"), tuple):
            image.info["transparency"] = tuple(value >> 8 for value in level)  # as the colours of a 16-bit PNG are
        if image_format not in ("PNG", "TIFF"):
            # To count the pictures of a GIF, all of it would be read.
            is_gif, several = image_format == "GIF", getattr(image, "is_animated", False)
            notes["further_pictures"] = several if is_gif else getattr(image, "n_frames", 1) - 1
        if image_format == "JPEG":
            scans, end, has_all_scans = walk_jpeg(content)
            # Each costs a pass over all pixels, and only a few bytes of the file.
            if scans * image.width * image.height > _MOST_PASSES * max_pixels:
                raise RejectedImage(f"{scans} scans of {image.width} x {image.height} pixels are too much work")
            lacks_end_alone = end is None and has_all_scans
            end = None if notes["further_pictures"] else end  # they come after it
        try:
            pixels, is_profile_used = to_rgb(image, bits)
        except OSError:
            if not lacks_end_alone:
                raise
            pixels, is_profile_used = _complete(content)
            notes["end_missing"] = 1
        _check_pixels(image, max_pixels)  # a HEIF file may say something else than its image
    notes["profile_unused"] = not is_profile_used
    notes["bytes_after_image"] = 0 if end is None else len(whole[end:].strip(b"\0\r\n "))
    levels = count_levels(pixels)
    notes["levels"] = levels if levels <= _FEW_LEVELS else 0
    return Decoded(pixels, {key: int(count) for key, count in notes.items() if count})


def _format_of(content: bytes) -> str:
    for image_format in FORMATS:
        # A text is why Pillow cannot read it on this machine.
        if (accepts := Image.OPEN[image_format][1]) and accepts(content[:16]) is True:
            return image_format
    unread = unread_format(content[:HEAD])
    raise RejectedImage(_unread(unread) if unread else "the content is not an image of a supported format")


def _unread(name: str) -> str:
    return f"{name} files are not read; convert them to PNG or JPEG"


def _open(content: bytes, image_format: str) -> Image.Image:
    # Not `Image.open`, which keeps the reason of a refusal for itself.
    try:
        return Image.OPEN[image_format][0](io.BytesIO(content), "")
    except SyntaxError:
        if image_format != "AVIF":
            raise
        return Image.OPEN["HEIF"][0](io.BytesIO(content), "")


def _check_pixels(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise RejectedImage(f"{image.width} x {image.height} pixels are more than data.max_pixels {max_pixels}")


def _complete(content: bytes) -> tuple[np.ndarray, bool]:
    # An image that is the same whatever follows its file's last byte is whole.
    contents = (content.rstrip(b"\xff") + fill + _END_OF_JPEG for fill in _FILLS)
    results = [to_rgb(_open(content, "JPEG"), None) for content in contents]
    if not all(np.array_equal(results[0][0], pixels) for pixels, _ in results):
        raise RejectedImage("the image is cut off")
    return results[0]
