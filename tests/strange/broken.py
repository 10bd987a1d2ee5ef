"""Files that are broken, or made to harm: each must be rejected, or taken as an image like others."""

import struct
import zlib
from functools import lru_cache

import numpy as np
from PIL import Image

from tests.strange.files import KINDS, MAX_PIXELS, Strange, draw, encode, jpeg_of_many_scans, kind, png, png_chunk
from tests.strange.odd import exif


def whole_file(rng: np.random.Generator) -> Strange:
    """Return a whole file of a drawn kind, to be broken."""
    return KINDS[rng.choice([name for name in KINDS if name.startswith("whole ")])](rng)


@kind("truncated")
def truncated(rng: np.random.Generator) -> Strange:
    whole = whole_file(rng)
    return whole._replace(content=whole.content[: rng.integers(1, len(whole.content))], verdict="either")


@kind("bits flipped")
def flipped(rng: np.random.Generator) -> Strange:
    whole = whole_file(rng)
    content = np.frombuffer(whole.content, np.uint8).copy()
    reach = rng.choice([60, len(content)])  # headers are where it hurts
    content[rng.integers(0, min(reach, len(content)), rng.integers(1, 6))] ^= np.uint8(1 << rng.integers(8))
    return Strange(content.tobytes(), whole.suffix, "either")


@kind("spliced of two")
def spliced(rng: np.random.Generator) -> Strange:
    first, second = whole_file(rng), whole_file(rng)
    start = first.content[: rng.integers(1, len(first.content))]
    return Strange(start + second.content[rng.integers(0, len(second.content)) :], first.suffix, "either")


@kind("zeros within")
def zeros_within(rng: np.random.Generator) -> Strange:
    whole = whole_file(rng)
    start = rng.integers(0, len(whole.content))
    length = rng.integers(1, 200)
    content = whole.content[:start] + bytes(length) + whole.content[start + length :]
    return Strange(content, whole.suffix, "either")


@kind("rubbish appended")
def appended(rng: np.random.Generator) -> Strange:
    whole = whole_file(rng)
    return whole._replace(content=whole.content + rng.bytes(rng.integers(1, 300)))


@kind("wrong extension")
def wrong_extension(rng: np.random.Generator) -> Strange:
    return whole_file(rng)._replace(suffix=str(rng.choice(["txt", "png", "jpg", "gif", "tif", "exe"])))


@kind("broken EXIF")
def broken_exif(rng: np.random.Generator) -> Strange:
    whole = exif(1, broken=True)
    broken = [b"", b"Exif\0\0", whole[:-9], b"Exif\0\0XX" + whole[8:], b"\xff" * 40, rng.bytes(60)]
    content = encode(draw(rng), str(rng.choice(["PNG", "WEBP"])), exif=broken[rng.integers(len(broken))])
    return Strange(content, "png", "taken")


@kind("no bytes")
def no_bytes(rng: np.random.Generator) -> Strange:
    return Strange(b"", "jpg", "rejected")


@kind("no image")
def no_image(rng: np.random.Generator) -> Strange:
    contents = [b"a text\n", bytes(1000), b"GIF89a", b"%PDF-1.7", b"<svg/>", b"\xff\xd8", rng.bytes(200)]
    return Strange(contents[rng.integers(len(contents))], "png", "rejected")


@kind("GIF")
def gif(rng: np.random.Generator) -> Strange:
    return Strange(encode(draw(rng), "GIF"), "gif", "rejected")


@kind("float or 32-bit")
def without_range(rng: np.random.Generator) -> Strange:
    mode = str(rng.choice(["F", "I"]))
    return Strange(encode(Image.new(mode, (4, 4)), "TIFF"), "tif", "rejected")


@kind("20000 x 20000 without data")
def huge_header(rng: np.random.Generator) -> Strange:
    bmp = encode(draw(rng), "BMP")
    bmp = bmp[:18] + struct.pack("<ii", 20_000, 20_000) + bmp[26:]
    contents = [png(20_000, 20_000, b"no pixels"), b"P6 20000 20000 255\n", bmp]
    return Strange(contents[rng.integers(len(contents))], "png", "rejected")


@kind("just too large")
def just_too_large(rng: np.random.Generator) -> Strange:
    image = Image.new("L", (1000, MAX_PIXELS // 1000 + 1), int(rng.integers(256)))
    return Strange(encode(image, "PNG"), "png", "rejected")


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


@kind("JPEG of endless scans")
def endless_scans(rng: np.random.Generator) -> Strange:
    return Strange(jpeg_of_many_scans(800, 20_000), "jpg", "rejected")
