"""No output holds metadata of the input: each kind is planted with a mark, and all bytes are searched."""

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from stages.anonymize import anonymize
from stages.core.images import read_image, write_image
from stages.ingest import ingest
from tests.strange.metadata import FORMATS, MARK, marked, plant_metadata

# What an image cannot do without.
PNG_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}
JPEG_SEGMENTS = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}  # JFIF, tables, frame, codes, scan
OLD = 981_173_106  # 2001, in seconds


def parts_of(file: Path) -> set:
    """Return the types of a PNG file's chunks, or of a JPEG file's segments, and what comes after the end."""
    content = file.read_bytes()
    found = set()
    if file.suffix == ".png":
        place = 8
        while place < len(content):
            found.add(content[place + 4 : place + 8])
            place += 12 + struct.unpack(">I", content[place : place + 4])[0]
        return found - PNG_CHUNKS
    place = 2
    while content[place + 1] != 0xDA:
        found.add(content[place + 1])
        place += 2 + struct.unpack(">H", content[place + 2 : place + 4])[0]
    return (found - JPEG_SEGMENTS) | {content[content.index(b"\xff\xd9") + 2 :]} - {b""}


def test_marks_and_parts_would_be_found(tmp_path, noise):
    for suffix in ("png", "jpg"):
        file = tmp_path / f"a.{suffix}"
        write_image(file, noise())
        assert parts_of(file) == set()
        assert not marked(file.read_bytes())
        file.write_bytes(FORMATS[suffix](noise()))
        assert len(parts_of(file)) > 5
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "Q7MARK " * 100)
    assert MARK not in packed.getvalue()
    for content in (packed.getvalue(), b"before" + zlib.compress(b"Q7MARK " * 100), "Q7MARK".encode("utf-16-le")):
        assert marked(content)


@pytest.mark.parametrize(("image_format", "renamed"), [("png", False), ("jpg", True), ("keep", False)])
def test_neither_raw_nor_anonymized_images_hold_metadata(workspace, noise, capfd, image_format, renamed):
    folder = workspace({"data.source": "source", "data.rename": renamed, "data.image_format": image_format})
    for seed, name in enumerate(f"{split}/{name}" for split in ("train", "test") for name in "ab"):
        images = [noise(10 * seed + number, 80, 90) for number in range(len(FORMATS))]
        plant_metadata(folder / "source" / name / "PERSON folder", images)
    for file in (folder / "source").rglob("*.*"):
        os.utime(file, (OLD, OLD))
    ingest()
    anonymize("gaussian_blur")
    written = {file for top in ("data", "metrics") for file in Path(top).rglob("*") if file.is_file()}
    # These are for the owner of the images alone.
    written = {file for file in written if file != Path("data/key.csv") and ".partial" not in file.parts}
    images = [file for file in written if file.parts[1] in ("raw", "gaussian_blur")]
    assert len(images) == 2 * 16
    assert Path("data/contact/gaussian_blur/0001.jpg") in written
    assert {read_image(file).shape for file in images} == {(80, 90, 3)}  # that of the image, not of its thumbnail
    for file in written:
        assert not marked(file.read_bytes()), file
        assert file.stat().st_mtime > OLD + 10**8
        assert not renamed or b"PERSON" not in file.read_bytes() + bytes(file), file
    assert [file for file in written if file.suffix in (".png", ".jpg") and parts_of(file)] == []
    assert "PERSON" not in "".join(capfd.readouterr())
