"""Whole files of every kind that is rare: each must be taken, with the right pixels."""

import struct

import cv2
import numpy as np
from PIL import Image

from tests.strange.files import Strange, draw, encode, interlaced_png, kind

TURNS = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image),
}


def _whole(name: str, suffix: str, image_format: str, *, exact: bool = True, **options) -> None:
    @kind(f"whole {name}")
    def whole(rng: np.random.Generator) -> Strange:
        image = draw(rng)
        return Strange(encode(image, image_format, **options), suffix, "taken", image if exact else None)


_whole("PNG", "png", "PNG")
_whole("BMP", "bmp", "BMP")
_whole("PPM", "ppm", "PPM")
_whole("WebP", "webp", "WEBP", lossless=True)
_whole("lossy WebP", "webp", "WEBP", exact=False)
_whole("TIFF", "tif", "TIFF")
_whole("LZW TIFF", "tiff", "TIFF", compression="tiff_lzw")
_whole("JPEG", "jpg", "JPEG", exact=False)
_whole("progressive JPEG", "JPG", "JPEG", exact=False, progressive=True)


@kind("1 x 1")
def single(rng: np.random.Generator) -> Strange:
    image = rng.integers(0, 256, (1, 1, 3), np.uint8)
    return Strange(encode(image, "PNG"), "png", "taken", image)


@kind("1 x 10000")
def line(rng: np.random.Generator) -> Strange:
    image = rng.integers(0, 256, (1, 10_000, 3), np.uint8)
    image = image if rng.integers(2) else image.swapaxes(0, 1)
    return Strange(encode(np.ascontiguousarray(image), "PNG"), "png", "taken", image)


@kind("CMYK")
def cmyk(rng: np.random.Generator) -> Strange:
    image_format = str(rng.choice(["JPEG", "TIFF"]))
    content = encode(Image.fromarray(draw(rng, 4), "CMYK"), image_format)
    return Strange(content, image_format.lower(), "taken")


@kind("16-bit grey")
def deep_grey(rng: np.random.Generator) -> Strange:
    levels = rng.integers(0, 65_536, rng.integers(2, 40, 2), np.uint16)
    image_format = str(rng.choice(["PNG", "TIFF"]))
    pixels = ((levels.astype(int) + 128) // 257).astype(np.uint8)[..., None].repeat(3, axis=2)
    return Strange(encode(levels, image_format), image_format.lower(), "taken", pixels)


@kind("16-bit colour")
def deep_colour(rng: np.random.Generator) -> Strange:
    image = rng.integers(0, 65_536, (*rng.integers(2, 40, 2), 3), np.uint16)
    suffix = str(rng.choice([".png", ".tiff", ".ppm"]))
    content = cv2.imencode(suffix, np.ascontiguousarray(image[..., ::-1]))[1].tobytes()
    return Strange(content, suffix[1:], "taken", (image // 257).astype(np.uint8), tolerance=1)


@kind("palette")
def palette(rng: np.random.Generator) -> Strange:
    colours = rng.integers(0, 256, (16, 3), np.uint8)
    places = rng.integers(0, 16, rng.integers(2, 40, 2), np.uint8)
    image = Image.fromarray(places, "P")
    image.putpalette(colours.tobytes())
    image_format = str(rng.choice(["PNG", "TIFF", "BMP"]))
    return Strange(encode(image, image_format), image_format.lower(), "taken", colours[places])


@kind("interlaced")
def interlaced(rng: np.random.Generator) -> Strange:
    image = draw(rng)
    return Strange(interlaced_png(image), "png", "taken", image)


@kind("animated")
def animated(rng: np.random.Generator) -> Strange:
    image_format = str(rng.choice(["PNG", "WEBP", "TIFF"]))
    image = draw(rng)
    others = [Image.fromarray(255 - image // step) for step in (1, 2)]
    options = {"lossless": True} if image_format == "WEBP" else {}
    content = encode(image, image_format, save_all=True, append_images=others, **options)
    return Strange(content, image_format.lower(), "taken", image)


def exif(orientation: int, *, broken: bool = False) -> bytes:
    """Return EXIF with an orientation; broken, with a tag besides that can be read, but not written again."""
    tags = [struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)]
    tags += [struct.pack(">HHI4s", 0x011A, 2, 4, b"abc\0")] * broken  # a text where a resolution should be
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(tags)) + b"".join(tags) + bytes(4)


@kind("turned by EXIF")
def turned(rng: np.random.Generator) -> Strange:
    orientation = int(rng.integers(1, 9))
    image_format = str(rng.choice(["PNG", "WEBP", "TIFF"]))
    options = {"lossless": True} if image_format == "WEBP" else {}
    tags = exif(orientation, broken=image_format != "TIFF" and bool(rng.integers(2)))
    image = draw(rng)
    content = encode(image, image_format, exif=tags, **options)
    return Strange(content, image_format.lower(), "taken", TURNS[orientation](image))


@kind("alpha")
def alpha(rng: np.random.Generator) -> Strange:
    image = draw(rng, 4)
    image[..., 3] = rng.choice([0, 255], image.shape[:2])
    pixels = np.where(image[..., 3:] == 255, image[..., :3], np.uint8(255))
    return Strange(encode(image, "PNG"), "png", "taken", pixels)


@kind("colour profile")
def colour_profile(rng: np.random.Generator) -> Strange:
    image = draw(rng)
    return Strange(encode(image, "PNG", icc_profile=rng.bytes(300)), "png", "taken", image)
