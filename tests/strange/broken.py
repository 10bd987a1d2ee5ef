"""Files that are broken, or made to harm: each must be rejected, or taken as an image like others."""

import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image

from tests.strange.files import (
    KINDS,
    MAX_PIXELS,
    Strange,
    draw,
    encode,
    grey_page,
    jpeg_of_many_scans,
    kind,
    png,
    png_chunk,
    tiff,
)
from tests.strange.odd import exif


def _whole_file(rng: np.random.Generator) -> Strange:
    return KINDS[rng.choice([name for name in KINDS if name.startswith("whole ")])](rng)


def _broken(name: str, change: Callable[[bytes, np.random.Generator], bytes]) -> None:
    @kind(name)
    def broken(rng: np.random.Generator) -> Strange:
        whole = _whole_file(rng)
        return Strange(change(whole.content, rng), whole.suffix, "either")


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    flipped = np.frombuffer(content, np.uint8).copy()
    reach = min(rng.choice([60, len(content)]), len(content))  # headers are where it hurts
    flipped[rng.integers(0, reach, rng.integers(1, 6))] ^= np.uint8(1 << rng.integers(8))
    return flipped.tobytes()


def _splice(content: bytes, rng: np.random.Generator) -> bytes:
    second = _whole_file(rng).content
    return content[: rng.integers(1, len(content))] + second[rng.integers(0, len(second)) :]


def _blank(content: bytes, rng: np.random.Generator) -> bytes:
    start, length = rng.integers(0, len(content)), rng.integers(1, 200)
    return content[:start] + bytes(length) + content[start + length :]


_broken("bits flipped", _flip)
_broken("spliced of two", _splice)
_broken("zeros within", _blank)


@kind("truncated")
def truncated(rng: np.random.Generator) -> Strange:
    whole = _whole_file(rng)
    return whole._replace(content=whole.content[: rng.integers(1, len(whole.content))], verdict="either")


@kind("rubbish appended, wrong extension")
def appended(rng: np.random.Generator) -> Strange:
    whole = _whole_file(rng)
    suffix = str(rng.choice(["txt", "png", "jpg", "gif", "tif", "exe"]))
    return whole._replace(content=whole.content + rng.bytes(rng.integers(0, 300)), suffix=suffix)


@kind("broken EXIF")
def broken_exif(rng: np.random.Generator) -> Strange:
    whole = exif(1, broken=True)
    broken = [b"", b"Exif\0\0", whole[:-9], b"Exif\0\0XX" + whole[8:], b"\xff" * 40, rng.bytes(60)]
    content = encode(draw(rng), str(rng.choice(["PNG", "WEBP"])), exif=broken[rng.integers(len(broken))])
    return Strange(content, "png", "taken")


def _rejected(name: str, contents: list[bytes]) -> None:
    KINDS[name] = lambda rng: Strange(contents[rng.integers(len(contents))], "png", "rejected")


_huge_bmp = encode(Image.new("RGB", (4, 4)), "BMP")
_huge_bmp = _huge_bmp[:18] + struct.pack("<ii", 20_000, 20_000) + _huge_bmp[26:]
_rejected("no image", [b"", b"a text\n", bytes(1000), b"%PDF-1.7", b"<svg/>", b"\xff\xd8", b"P6 0 5 255\n"])
_pixels = encode(Image.new("RGB", (4, 4)), "PNG")
_rejected("wrong checksum of pixels", [_pixels[:-13] + bytes([_pixels[-13] ^ 1]) + _pixels[-12:]])
_small, _large = (np.full((side, side), 99, np.uint8) for side in (2, 8))
_preview, _photo = grey_page(_small, 8, t254=1), grey_page(_large, 8)
_dng = tiff([grey_page(_small, 8, t50706=1025)])
_rejected("camera raw", [_dng, *(tiff([_preview, _photo], below=below) for below in (False, True))])
_signed = tiff([grey_page(np.full((2, 2), 99, np.uint8), 8, t339=2)])
_deep = [encode(Image.new(mode, (4, 4)), "TIFF") for mode in "FI"]
_rejected("signed, float or 32-bit", [_signed, *_deep, b"Pf\n1 1\n-1.0\n\0\0\0\0"])
_rejected("20000 x 20000 without data", [png(20_000, 20_000, b"no pixels"), b"P6 20000 20000 255\n", _huge_bmp])
_rejected("just too large", [encode(Image.new("L", (1000, MAX_PIXELS // 1000 + 1)), "PNG")])
_rejected("JPEG of endless scans", [jpeg_of_many_scans(800, 20_000)])


@lru_cache
def _zeros(size: int) -> bytes:
    return zlib.compress(bytes(size), 9)


@kind("bomb")
def bomb(rng: np.random.Generator) -> Strange:
    """Little to read, much to unpack: in pixels, a text, a profile, or passes."""
    image = draw(rng)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in image))
    size = 50 * 2**20
    contents = [
        png(*image.shape[:2], _zeros(size)),
        png(*image.shape[:2], rows, png_chunk(b"zTXt", b"Comment\0\0" + _zeros(size))),
        png(*image.shape[:2], rows, png_chunk(b"iCCP", b"profile\0\0" + _zeros(size))),
    ]
    return Strange(contents[rng.integers(len(contents))], "png", "either")
