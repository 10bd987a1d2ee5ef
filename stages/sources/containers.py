"""How JPEG, PNG and TIFF files are built: what their decoder does not check or report."""

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_MOST_PARTS = 2**20  # chunks of a PNG file, or segments of a JPEG file; files with more are malicious
_MOST_PAGES, _MOST_TAGS, _MOST_VALUES = 1000, 1000, 100
_JPEG_MARKER = re.compile(rb"\xff[^\0\xff\xd0-\xd7]")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# All else of a PNG file is dropped, so that neither its length nor its checksum matters.
_PNG_KEPT = frozenset([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"eXIf"])
_PNG_TEXTS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")  # may hold the orientation
_TIFF_SIZES = {1: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8}  # bytes of a number, by its type
_SUBFILE, _OLD_SUBFILE, _SUB_DIRECTORIES, _DNG = 254, 255, 330, 50706


class UnreadableImageError(ValueError):
    """An image whose format, or kind of pixels, cannot be read; the message says why."""


def walk_jpeg(content: bytes) -> tuple[int, int | None, bool]:
    """Return the number of scans of a JPEG file, its end, and whether all scans are there.

    All that follows the end, in bytes, is no part of the image; it is None where the end mark is missing.
    """
    place, scans = 2, 0
    missing: dict[int, set[int]] = {}  # of each component, the coefficients whose last bit no scan has held yet
    for _ in range(_MOST_PARTS):
        if not (found := _JPEG_MARKER.search(content, place)):
            return scans, None, bool(missing) and not any(missing.values())
        marker, place = content[found.end() - 1], found.end()
        if marker == 0xD9:
            return scans, place, not any(missing.values())
        if marker in (0x01, 0xD8):
            continue
        length = max(2, int.from_bytes(content[place : place + 2], "big"))
        segment = content[place + 2 : place + length]
        place += length
        if marker in _JPEG_FRAMES:
            missing = {component: set(range(64)) for component in segment[6::3]}
        elif marker == 0xDA:
            scans += 1
            if len(segment) > 3 and segment[-1] & 15 == 0:
                for component in segment[1 : 1 + 2 * segment[0] : 2]:
                    missing.get(component, set()).difference_update(range(segment[-3], segment[-2] + 1))
    raise UnreadableImageError(f"a JPEG file of more than {_MOST_PARTS} segments")


class Png(NamedTuple):
    """A PNG file."""

    content: bytes  # without what says nothing about the pixels of its first picture
    further_pictures: int
    significant_bits: int | None  # of the channel that has most
    end: int | None  # in bytes, as of a JPEG file


def clean_png(content: bytes) -> Png:
    """Drop the chunks of a PNG file that are not needed, and check those that are."""
    view = memoryview(content)
    kept, place, has_pixels, further, bits = [view[:8]], 8, False, 0, None
    for _ in range(_MOST_PARTS):
        if place >= len(content):
            return Png(b"".join(kept), further, bits, None)
        name, end = content[place + 4 : place + 8], place + 12 + int.from_bytes(content[place : place + 4], "big")
        checksum = int.from_bytes(view[end - 4 : end], "big")
        is_whole = end <= len(content) and zlib.crc32(view[place + 4 : end - 4]) == checksum
        if not is_whole and (name[:1].isupper() or name == b"tRNS"):
            raise UnreadableImageError(f"a PNG chunk {name.decode('latin-1')} is cut off or has a wrong checksum")
        if is_whole and (name in _PNG_KEPT or content.startswith(_PNG_TEXTS, place + 8)):
            kept.append(view[place:end])
        has_pixels |= name == b"IDAT"
        further += has_pixels and name == b"fcTL"
        if is_whole and name == b"sBIT":
            bits = max(view[place + 8 : end - 4], default=None)
        if name == b"IEND":
            return Png(b"".join(kept), further, bits, end)
        place = end
    raise UnreadableImageError(f"a PNG file of more than {_MOST_PARTS} chunks")


def walk_tiff(content: bytes) -> tuple[bool, int]:
    """Tell whether a TIFF file is camera raw, and count its pictures after the first but previews and masks."""
    file = _TiffFile(content)
    pages = list(file.pages())
    below = [file.directory(place)[0] for place in pages[0].get(_SUB_DIRECTORIES, [])] if pages else []
    further = sum(not _is_part(page) for page in [*pages[1:], *below])
    starts_with_preview = bool(pages) and _is_part(pages[0]) and further > 0
    is_raw = bool(pages) and _DNG in pages[0] or content[8:10] == b"CR" or starts_with_preview
    return is_raw, further


def _is_part(page: dict[int, list[int]]) -> bool:
    # A smaller copy, or the mask, of another picture.
    return any(kind & 5 for kind in page.get(_SUBFILE, [])) or 2 in page.get(_OLD_SUBFILE, [])


class _TiffFile:
    def __init__(self, content: bytes):
        self._content = content
        self._order = "little" if content[:1] == b"I" else "big"
        is_big = 43 in content[2:4]
        self._wide, self._counter = (8, 8) if is_big else (4, 2)
        self._first = self._number(8 if is_big else 4, self._wide)

    def _number(self, place: int, size: int) -> int:
        return int.from_bytes(self._content[place : place + size], self._order)  # type: ignore[arg-type]

    def pages(self) -> Iterator[dict[int, list[int]]]:
        place, seen = self._first, set[int]()
        while place and place not in seen and place < len(self._content) and len(seen) < _MOST_PAGES:
            seen.add(place)
            page, place = self.directory(place)
            yield page

    def directory(self, place: int) -> tuple[dict[int, list[int]], int]:
        """Return the numbers of the tags that matter here, and the place of the next directory."""
        count, place, length = self._number(place, self._counter), place + self._counter, 4 + 2 * self._wide
        tags = {}
        for entry in range(place, place + length * min(count, _MOST_TAGS), length):
            tag, size = self._number(entry, 2), _TIFF_SIZES.get(self._number(entry + 2, 2))
            if size and tag in (_SUBFILE, _OLD_SUBFILE, _SUB_DIRECTORIES, _DNG):
                values = min(self._number(entry + 4, self._wide), _MOST_VALUES)
                start = entry + 4 + self._wide
                start = start if values * size <= self._wide else self._number(start, self._wide)
                tags[tag] = [self._number(start + size * index, size) for index in range(values)]
        return tags, self._number(place + length * count, self._wide)
