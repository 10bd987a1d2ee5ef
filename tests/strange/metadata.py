"""Images with every kind of metadata, each of which holds a mark that can be searched for."""

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from tests.strange.files import encode, png_chunk

MARK = b"Q7MARK"
DATE = b"2001:02:03 04:05:06"


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif.update({0x010E: "Q7MARK title", 0x010F: "Q7MARK make", 0x0110: "Q7MARK model", 0x013B: "Q7MARK artist"})
    exif.update({0x8298: "Q7MARK copyright", 0x0132: DATE.decode()})
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = inner[0x9004] = DATE.decode()
    inner[0x927C], inner[0x9286], inner[0xA431] = b"Q7MARK maker note", b"ASCII\0\0\0Q7MARK comment", "Q7MARK serial"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 0.0), 27: b"Q7MARK gps method", 29: "2001:02:03"})
    return exif


def _thumbnail() -> bytes:
    return encode(Image.new("RGB", (8, 8)), "JPEG", comment=b"Q7MARK thumbnail")


def _profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + b"Q7MARK profile"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _iptc() -> bytes:
    record = b"\x1c\x02\x50" + struct.pack(">H", 13) + b"Q7MARK byline"
    return b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record + b"\0"


def _jpeg(image: np.ndarray) -> bytes:
    exif = b"Exif\0\0" + _exif().tobytes().removeprefix(b"Exif\0\0") + _thumbnail()
    segments = [
        _segment(0xE0, b"JFXX\0\x10" + _thumbnail()),
        _segment(0xE1, exif),
        _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>Q7MARK xmp</x:xmpmeta>"),
        _segment(0xE2, b"ICC_PROFILE\0\x01\x01" + _profile()),
        _segment(0xED, b"Photoshop 3.0\0" + _iptc()),
        _segment(0xEB, b"Q7MARK of no known kind"),
        _segment(0xFE, b"Q7MARK comment"),
    ]
    content = encode(image, "JPEG")
    return content[:2] + b"".join(segments) + content[2:] + b"Q7MARK after the end"


def _png(image: np.ndarray) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Q7MARK author")
    info.add_text("Comment", "Q7MARK zipped", zip=True)
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>Q7MARK xmp</x:xmpmeta>")
    content = encode(image, "PNG", pnginfo=info, exif=_exif(), icc_profile=_profile())
    extra = png_chunk(b"tIME", struct.pack(">HBBBBB", 2001, 2, 3, 4, 5, 6)) + png_chunk(b"prVt", b"Q7MARK private")
    extra += png_chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(_iptc()))
    return content[:-12] + extra + content[-12:] + b"Q7MARK after the end"


def _webp(image: np.ndarray) -> bytes:
    options = {"exif": _exif(), "icc_profile": _profile(), "xmp": b"<x:xmpmeta>Q7MARK xmp</x:xmpmeta>"}
    content = encode(image, "WEBP", lossless=True, **options) + b"mark" + struct.pack("<I", 6) + MARK
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:] + b"Q7MARK after the end"


def _tiff(image: np.ndarray) -> bytes:
    exif = Image.Exif()
    exif.load(_exif().tobytes())  # what is not loaded, Pillow leaves out of a TIFF file where it is nested
    exif.update({305: "Q7MARK software", 316: "Q7MARK computer", 700: b"<x:xmpmeta>Q7MARK xmp</x:xmpmeta>"})
    exif.update({33723: _iptc()[12:], 34377: _iptc(), 37724: b"Q7MARK layers"})
    second = Image.fromarray(image[::2, ::2])
    content = encode(image, "TIFF", exif=exif, icc_profile=_profile(), save_all=True, append_images=[second])
    return content + _thumbnail()


FORMATS = {"jpg": _jpeg, "png": _png, "webp": _webp, "tif": _tiff}


def plant_metadata(folder: Path, images: list[np.ndarray]) -> None:
    folder.mkdir(parents=True)
    for image, (suffix, make) in zip(images, FORMATS.items(), strict=True):
        file = folder / f"PERSON {suffix}.{suffix}"
        file.write_bytes(make(image))


def marked(content: bytes) -> bool:
    """Return whether a file holds a mark, in plain text or packed."""
    marks = (MARK, MARK.decode().encode("utf-16-le"), DATE)
    return any(mark in part for part in (content, *_unpacked(content)) for mark in marks)


def _unpacked(content: bytes) -> list[bytes]:
    parts = []
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts += [archive.read(name) for name in archive.namelist()]
    for match in re.finditer(rb"x[\x01^\x9c\xda]", content):  # as zlib's output begins
        try:
            parts.append(zlib.decompressobj().decompress(content[match.start() : match.start() + 10**6], 10**6))
        except zlib.error:
            continue
    return parts
