"""Whole files of every kind that is rare: each must be taken, with the right pixels."""

import struct
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms

from tests.strange.files import (
    KINDS,
    Strange,
    draw,
    encode,
    grey_page,
    interlaced_png,
    kind,
    png_chunk,
    tiff,
    with_chunk,
)

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
_whole("GIF", "gif", "GIF", exact=False)
_whole("AVIF", "avif", "AVIF", exact=False)
_whole("JPEG", "jpg", "JPEG", exact=False)
_whole("progressive JPEG", "JPG", "JPEG", exact=False, progressive=True)


@kind("whole HEIC")
def heic(rng: np.random.Generator) -> Strange:
    # The one file that is not made here, as no package of the pipeline writes it.
    halves = np.repeat(np.uint8([[(200, 30, 40)] * 8 + [(20, 60, 220)] * 8]), 16, axis=0)
    content = Path(__file__).with_name("two_pictures.heic").read_bytes()
    return Strange(content, "heic", "taken", halves, note="further_pictures")


def _row(name: str, content: bytes, row: Iterable, tolerance: int = 0, note: str = "") -> None:
    """Register a file of one row, and its pixels: grey levels, or colours."""
    pixels = np.array([np.broadcast_to(pixel, 3) for pixel in row], np.uint8)[None]
    KINDS[name] = lambda rng: Strange(content, "png", "taken", pixels, tolerance, note)


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
_row("transparent deep grey", encode(np.uint16([[514, 257]]), "PNG", transparency=514), [255, 1])
_TWELVE = np.uint16([[0, 2048, 4095]])
_row("12 bits in 16, as sBIT says", with_chunk(encode(_TWELVE, "PNG"), png_chunk(b"sBIT", b"\x0c")), [0, 128, 255])
_row("12 bits in 16, as the largest value says", tiff([grey_page(_TWELVE, 16, t281=4095)]), [0, 128, 255])
_row("12 bits in 16, as nothing says", encode(_TWELVE, "PNG"), [0, 8, 16], note="levels")
_row("16 bits, as sBIT says", with_chunk(encode(DEEP, "PNG"), png_chunk(b"sBIT", b"\x0c")), DEEP_LEVELS)
_row("PGM of its own white", b"P5 2 1 1023\n\x03\xff\x02\x00", [255, 128])

RED = [(254, 0, 0)] * 16
for each in ("JPEG", "WEBP"):
    _row(f"flat {each}", encode(np.uint8([RED]), each, quality=95), RED, tolerance=3)
for each in ("JPEG", "TIFF"):
    _row(f"CMYK {each}", encode(Image.new("CMYK", (16, 1), (0, 255, 255, 0)), each), RED, tolerance=3)
BLUE = Image.new("RGB", (16, 1), "blue")
_stereo = encode(np.uint8([RED]), "MPO", save_all=True, append_images=[BLUE])
_row("stereo pair", _stereo, RED, tolerance=3, note="further_pictures")
_red = encode(np.uint8([RED]), "JPEG", quality=95)
_row("JPEG with a video", _red + b"\0\0\0\x18ftypmp42" + b"\xff\xda" * 200_000, RED, 3, "bytes_after_image")
_row("PNG with a part of another", encode(np.uint8([[0, 7, 220]]), "PNG") + _red, [0, 7, 220], note="bytes_after_image")
_row("JPEG without its end mark", _red[:-2], RED, 3, "end_missing")
# sRGB, but red and green are exchanged.
_srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXCHANGED = _srgb.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
for each in ("PNG", "TIFF", "WEBP"):
    options = {"lossless": True, "exact": True} if each == "WEBP" else {}
    _row(f"profile of {each}", encode(ALPHA, each, icc_profile=EXCHANGED, **options), [(0, 255, 0), 255, 127], 1)
    _row(f"profile that changes nothing, of {each}", encode(ALPHA, each, icc_profile=_srgb, **options), ON_WHITE)
_cmyk = encode(Image.new("CMYK", (16, 1), (0, 255, 255, 0)), "JPEG", icc_profile=EXCHANGED)
_row("profile of other colours", _cmyk, RED, tolerance=3, note="profile_unused")
_spoilt = png_chunk(b"tEXt", b"Comment\0" + bytes(2**20))
for name, chunk in (("a megabyte of text", _spoilt), ("a wrong checksum that does not matter", _spoilt[:-1] + b"?")):
    _row(f"PNG with {name}", with_chunk(encode(np.uint8([[0, 7, 220]]), "PNG"), chunk), [0, 7, 220])


@kind("depth and polarity")
def depth(rng: np.random.Generator) -> Strange:
    bits, order, white_is_zero = int(rng.choice([1, 2, 4, 8, 12, 16])), str(rng.choice([*"<>"])), bool(rng.integers(2))
    levels = rng.integers(0, 2**bits, rng.integers(2, 40, 2))
    grey = np.rint(levels * 255 / (2**bits - 1))
    pixels = np.repeat((255 - grey if white_is_zero else grey)[..., None], 3, axis=2)
    content = tiff([grey_page(levels, bits, order=order, white_is_zero=white_is_zero)], order=order)
    return Strange(content, "tif", "taken", pixels.astype(np.uint8), tolerance=1)


@kind("smaller copies of the same picture")
def pyramid(rng: np.random.Generator) -> Strange:
    image, order = draw(rng, 1)[..., 0], str(rng.choice([*"<>"]))
    pages = [grey_page(image, 8, order=order), grey_page(image[::2, ::2], 8, order=order, t254=1)]
    content = tiff(pages, order=order, below=bool(rng.integers(2)))
    return Strange(content, "tif", "taken", np.repeat(image[..., None], 3, axis=2))


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
    image_format = str(rng.choice(["PNG", "WEBP", "TIFF", "GIF", "AVIF"]))
    image = draw(rng)
    pages = [Image.fromarray(255 - image // step) for step in (1, 2)]
    options = {"lossless": True} if image_format == "WEBP" else {}
    content = encode(image, image_format, save_all=True, append_images=pages, **options)
    exact = image_format not in ("GIF", "AVIF")
    return Strange(content, image_format.lower(), "taken", image if exact else None, note="further_pictures")


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
