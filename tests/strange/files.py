"""What a strange file is, and how to write those that Pillow does not write."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

MAX_PIXELS = 1_000_000  # the limit under which the kinds below are what they are called
# Row and column of the first pixel, and the steps, of each pass of an interlaced PNG.
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_PNG_START = b"\x89PNG\r\n\x1a\n"


class Strange(NamedTuple):
    """A file, and what must become of it."""

    content: bytes
    suffix: str
    verdict: Literal["taken", "rejected", "either"]
    pixels: np.ndarray | None = None  # what must be seen in it, if it is taken
    tolerance: int = 0
    note: str = ""  # what must be noted of it


KINDS: dict[str, Callable[[np.random.Generator], Strange]] = {}


def encode(image: np.ndarray | Image.Image, image_format: str, **options) -> bytes:
    stream = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(stream, image_format, **options)
    return stream.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(height: int, width: int, packed: bytes, *extra: bytes, interlaced: bool = False) -> bytes:
    """Write an RGB PNG by hand: compressed rows as they are given, and more chunks before them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced))
    return _PNG_START + header + b"".join(extra) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")


def with_chunk(content: bytes, chunk: bytes) -> bytes:
    return content[:33] + chunk + content[33:]


def tiff(pages: list[tuple[dict[int, int], bytes]], *, order: str = "<", below: bool = False) -> bytes:
    """Write a TIFF by hand: of each page, tags and pixels; the second page as the next one, or below the first."""
    content, following = (b"II*\0" if order == "<" else b"MM\0*") + bytes(4), 0
    for tags, pixels in reversed(pages):
        tags = tags | {273: len(content), 279: len(pixels)} | ({330: following} if below and following else {})
        entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
        next_page = struct.pack(f"{order}I", 0 if below else following)
        following = len(content) + len(pixels)
        content += pixels + struct.pack(f"{order}H", len(tags)) + entries + next_page
    return content[:4] + struct.pack(f"{order}I", following) + content[8:]


def grey_page(levels: np.ndarray, bits: int, *, order: str = "<", white_is_zero: bool = False, **tags: int):
    """Return a page for `tiff`; more tags as `t254=1`."""
    height, width = levels.shape
    packed = ((levels[..., None] >> np.arange(bits)[::-1]) & 1).reshape(height, -1)
    pixels = levels.astype(f"{order}u2") if bits == 16 else np.packbits(packed.astype(np.uint8), axis=1)
    page = {256: width, 257: height, 258: bits, 259: 1, 262: int(not white_is_zero), 277: 1, 278: height}
    return page | {int(tag[1:]): value for tag, value in tags.items()}, pixels.tobytes()


def interlaced_png(image: np.ndarray) -> bytes:
    parts = (image[row::down, column::right] for row, column, down, right in _ADAM7)
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    return png(*image.shape[:2], zlib.compress(rows), interlaced=True)


def jpeg_of_many_scans(side: int, scans: int) -> bytes:
    """Write a small JPEG whose last scan is repeated, so that decoding takes as many passes over all pixels."""
    content = encode(Image.new("L", (side, side)), "JPEG", progressive=True)
    last = content[content.rfind(b"\xff\xda") : -2]
    return content[:-2] + last * scans + content[-2:]


def draw(rng: np.random.Generator, channels: int = 3) -> np.ndarray:
    height, width = rng.integers(2, 48, 2)
    base = rng.integers(0, 200, (1, 1, channels))
    return (base + rng.integers(0, 56, (height, width, channels))).astype(np.uint8)


def kind(name: str) -> Callable:
    def register(function: Callable[[np.random.Generator], Strange]) -> Callable:
        KINDS[name] = function
        return function

    return register
