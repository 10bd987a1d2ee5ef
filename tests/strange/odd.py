"""Whole files of every kind that is rare: each must be taken, with the right pixels."""

import struct
from collections.abc import Iterable

import cv2
import numpy as np
from PIL import Image

from tests.strange.files import KINDS, Strange, draw, encode, interlaced_png, kind

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


def _row(name: str, content: bytes, row: Iterable, tolerance: int = 0) -> None:
    """Register a file of one row, and its pixels: grey levels, or colours."""
    pixels = np.array([np.broadcast_to(pixel, 3) for pixel in row], np.uint8)[None]
    KINDS[name] = lambda rng: Strange(content, "png", "taken", pixels, tolerance)


PALETTE = Image.fromarray(np.uint8([[0, 1, 2]]), "P")
PALETTE.putpalette([0, 0, 0, 200, 100, 50, 10, 20, 30])
ALPHA = np.uint8([[(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128)]])
ON_WHITE = [(255, 0, 0), 255, 127]
DEEP = np.uint16([[0, 128, 129, 257, 32768, 65535]])
DEEP_BYTES, DEEP_LEVELS = DEEP.astype(">u2").tobytes(), [0, 0, 1, 1, 128, 255]
for each in ("PNG", "TIFF", "PPM", "BMP"):
    _row(f"grey {each}", encode(np.uint8([[0, 7, 220]]), each), [0, 7, 220])
    _row(f"bits {each}", encode(np.array([[True, False]]), each), [255, 0])
for each in ("PNG", "TIFF", "BMP"):
    _row(f"palette {each}", encode(PALETTE, each), [0, (200, 100, 50), (10, 20, 30)])
for each in ("PNG", "TIFF", "WEBP"):
    options = {"lossless": True, "exact": True} if each == "WEBP" else {}
    _row(f"alpha {each}", encode(ALPHA, each, **options), ON_WHITE)
_row("alpha of grey", encode(Image.fromarray(np.uint8([[(0, 255), (0, 0), (0, 51)]]), "LA"), "PNG"), [0, 255, 204])
_row("alpha of deep", cv2.imencode(".png", np.uint16([[(0, 0, 0, 65535), (0, 0, 0, 0)]]))[1].tobytes(), [0, 255])
_row("transparent place", encode(PALETTE, "PNG", transparency=1), [0, 255, (10, 20, 30)])
_row("transparent places", encode(PALETTE, "PNG", transparency=b"\xff\0\xff"), [0, 255, (10, 20, 30)])
_row("transparent grey", encode(np.uint8([[7, 8]]), "PNG", transparency=7), [255, 8])
_row("transparent colour", encode(np.uint8([[(7,) * 3, (8,) * 3]]), "PNG", transparency=(7, 7, 7)), [255, 8])
_row("deep PNG", encode(DEEP, "PNG"), DEEP_LEVELS)
_row("deep TIFF", encode(DEEP, "TIFF"), DEEP_LEVELS)
_row("deep TIFF, other order", encode(Image.frombytes("I;16B", (6, 1), DEEP_BYTES), "TIFF"), DEEP_LEVELS)
_row("deep PGM", b"P5 6 1 65535\n" + DEEP_BYTES, DEEP_LEVELS)
_row("deep PGM in words", b"P2 6 1 65535\n" + b" ".join(b"%d" % level for level in DEEP[0]) + b"\n", DEEP_LEVELS)
_row("PGM of its own white", b"P5 2 1 1023\n\x03\xff\x02\x00", [255, 128])

RED = [(254, 0, 0)] * 16
for each in ("JPEG", "WEBP"):
    _row(f"flat {each}", encode(np.uint8([RED]), each, quality=95), RED, tolerance=3)
for each in ("JPEG", "TIFF"):
    _row(f"CMYK {each}", encode(Image.new("CMYK", (16, 1), (0, 255, 255, 0)), each), RED, tolerance=3)
BLUE = Image.new("RGB", (16, 1), "blue")
_row("stereo pair", encode(np.uint8([RED]), "MPO", save_all=True, append_images=[BLUE]), RED, tolerance=3)


@kind("extreme shape")
def extreme(rng: np.random.Generator) -> Strange:
    image = rng.integers(0, 256, (*rng.choice([(1, 1), (1, 10_000), (10_000, 1)]), 3), np.uint8)
    return Strange(encode(image, "PNG"), "png", "taken", image)


@kind("16-bit colour")
def deep_colour(rng: np.random.Generator) -> Strange:
    image = rng.integers(0, 65_536, (*rng.integers(2, 40, 2), 3), np.uint16)
    suffix = str(rng.choice([".png", ".tiff", ".ppm"]))
    content = cv2.imencode(suffix, np.ascontiguousarray(image[..., ::-1]))[1].tobytes()
    return Strange(content, suffix[1:], "taken", (image // 257).astype(np.uint8), tolerance=1)


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


@kind("turned by EXIF, with a profile")
def turned(rng: np.random.Generator) -> Strange:
    orientation = int(rng.integers(1, 9))
    image_format = str(rng.choice(["PNG", "WEBP", "TIFF"]))
    options = {"lossless": True} if image_format == "WEBP" else {}
    tags = exif(orientation, broken=image_format != "TIFF" and bool(rng.integers(2)))
    image = draw(rng)
    content = encode(image, image_format, exif=tags, icc_profile=rng.bytes(300), **options)
    return Strange(content, image_format.lower(), "taken", TURNS[orientation](image))
