"""Turns the bytes of any image file into upright 8-bit RGB pixels without metadata, or says why it cannot."""

import ctypes
import io
import logging
from contextlib import suppress

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from stages.sources.signatures import HEAD, unread_format

# Recognized by content; PPM covers PGM and PBM, JPEG covers MPO.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM")
# What undoes each EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow also raises its errors; on standard error they would not name the file.
logging.getLogger("PIL").addHandler(logging.NullHandler())
# The same for libtiff, which prints from C on any thread. Where it is linked statically, it cannot be silenced.
with suppress(AttributeError):
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)
# We check our own bound (`max_pixels`) before decoding.
Image.MAX_IMAGE_PIXELS = None


# A pass over an image of `max_pixels` takes a second or less.
_MOST_PASSES = 100


class RejectedImage(Exception):  # noqa: N818
    """A file that is rejected; the message is the reason."""


def longest_file(max_pixels: int) -> int:
    """Return the size limit of an image file in bytes: 16-bit colour and alpha, and 64 MiB for everything else."""
    return 8 * max_pixels + 2**26


def decode_image(content: bytes, *, max_pixels: int) -> np.ndarray:
    """Decode an image file of any supported format to upright RGB.

    EXIF rotation is applied where it can be read. Grey, palette, CMYK, YCbCr and Lab become RGB; 16-bit grey is
    divided by 257, and 16-bit colour keeps its high byte; transparency is laid on white; colour profiles are ignored.
    The first of several frames is used.

    Parameters
    ----------
    content : bytes
        The whole file.
    max_pixels : int
        Larger images are rejected before they are decoded, and so are JPEG files with absurdly many scans.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, RGB.

    Raises
    ------
    RejectedImage
        If the file is empty, of no supported format, broken or too large.
    """
    if not content:
        raise RejectedImage("the file is empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise RejectedImage(f"{image.width} x {image.height} pixels are more than data.max_pixels {max_pixels}")
            _check_passes(image, content, max_pixels)
            return _to_rgb(image)
    except RejectedImage:
        raise
    except UnidentifiedImageError:
        unread = unread_format(content[:HEAD])
        if unread:
            raise RejectedImage(f"{unread} files are not read; convert them to PNG or JPEG") from None
        raise RejectedImage("the content is not an image of a supported format") from None
    except MemoryError:
        raise RejectedImage("not enough memory to decode the image") from None
    except Exception as error:
        # A decoder may raise anything on broken bytes; the file is named, its content is not.
        raise RejectedImage(
            f"the image is broken or of an unsupported kind ({type(error).__name__}: {error})"
        ) from None


def _check_passes(image: Image.Image, content: bytes, max_pixels: int) -> None:
    # Each scan of a JPEG file costs a pass over all pixels, and only a few bytes of the file.
    scans = content.count(b"\xff\xda") if image.format in ("JPEG", "MPO") else 1
    if scans * image.width * image.height > _MOST_PASSES * max_pixels:
        raise RejectedImage(f"{scans} scans of {image.width} x {image.height} pixels are too much work")


def _to_rgb(image: Image.Image) -> np.ndarray:
    image.load()
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PPM", "PNG"))
    if image.mode in ("I", "F") and not deep:
        raise RejectedImage("32-bit pixels have no known range; 8-bit and 16-bit images are allowed")
    turn = _TURNS.get(_orientation(image))
    image = image if turn is None else image.transpose(turn)
    if deep:
        levels = np.asarray(image, np.uint32)
        return np.repeat(((levels + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def _orientation(image: Image.Image) -> int:
    # Not `ImageOps.exif_transpose`: it rewrites all of EXIF, and so fails if any other tag is broken.
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 1
