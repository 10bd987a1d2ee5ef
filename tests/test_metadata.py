"""No output of any stage holds metadata of the input: each kind is planted with a mark, and all bytes are searched."""

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import ExifTags, Image, IptcImagePlugin

from stages.anonymize import anonymize
from stages.core.images import list_images, read_image, write_image
from stages.extract import extract
from stages.ingest import ingest
from stages.results.gallery import join_gallery, write_gallery
from tests.strange.metadata import DATE, FORMATS, MARK, marked, plant_metadata

VARIANTS = ["gaussian_blur", "morphology", "blocking_merging"]
# What an image cannot do without.
PNG_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}
JPEG_SEGMENTS = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}  # JFIF, tables, frame, codes, scan
OLD = 981_173_106  # 2001, in seconds


@pytest.fixture
def planted(workspace, noise):
    """The function that makes params with changes, and a source whose every image is full of metadata."""

    def plant(changes: dict) -> Path:
        folder = workspace({"data.source": "source", **changes})
        seeds = iter(range(1000))
        for split in ("train", "test"):
            for name in "ab":
                images = [noise(next(seeds), 80, 90) for _ in FORMATS]
                plant_metadata(folder / "source" / split / name / "PERSON folder", images)
        for file in (folder / "source").rglob("*.*"):
            os.utime(file, (OLD, OLD))
        return folder

    return plant


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


@pytest.mark.parametrize("suffix", FORMATS)
def test_marks_are_planted_where_other_programs_find_them(noise, suffix):
    content = FORMATS[suffix](noise(0, 80, 90))
    assert marked(content)
    with Image.open(io.BytesIO(content)) as image:
        exif = image.getexif()
        assert "Q7MARK" in exif[ExifTags.Base.ImageDescription]
        assert "Q7MARK" in str(exif.get_ifd(ExifTags.IFD.GPSInfo))
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal].encode() == DATE
        assert b"Q7MARK" in image.info["icc_profile"]
        assert "Q7MARK xmp" in str(image.info.get("xmp"))
        if suffix in ("jpg", "tif"):
            assert b"Q7MARK byline" in str(IptcImagePlugin.getiptcinfo(image)).encode()
        if suffix == "jpg":
            assert image.info["comment"] == b"Q7MARK comment"


def test_marks_would_be_found_in_packed_files():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "Q7MARK " * 100)
    assert MARK not in packed.getvalue()
    assert marked(packed.getvalue())
    assert marked(b"before" + zlib.compress(b"Q7MARK " * 100))
    assert marked("Q7MARK".encode("utf-16-le"))
    assert not marked(b"")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_marks_and_parts_would_be_found(tmp_path, noise, suffix):
    file = tmp_path / f"a.{suffix}"
    write_image(file, noise())
    assert parts_of(file) == set()
    assert not marked(file.read_bytes())
    file.write_bytes(FORMATS[suffix](noise()))
    assert len(parts_of(file)) > 5


CHANGES = {"png": {}, "jpg": {"data.image_format": "jpg"}, "renamed": {"data.rename": True}}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_no_output_holds_metadata(planted, capfd, changes):
    folder = planted({"variants.gaussian_blur.sigma": 1, **changes})
    ingest()
    for name in ("raw", *VARIANTS):
        if name != "raw":
            anonymize(name)
        write_gallery(name, seed=0)
        extract(name)
    write_image(Path("metrics/gallery.png"), join_gallery(["raw", *VARIANTS], 4))
    written = [file for top in ("data", "metrics") for file in (folder / top).rglob("*") if file.is_file()]
    key = [file for file in written if file.name == "key.csv"]
    assert len(key) == len(changes.keys() & {"data.rename"})
    images = [file for file in written if file.suffix in (".png", ".jpg")]
    assert len(images) == 4 * 16 + 4 * 8 + 1
    for file in set(written) - set(key):
        assert not marked(file.read_bytes()), file
        assert file.stat().st_mtime > OLD + 10**8
        if key:
            assert "PERSON" not in str(file)
            assert b"PERSON" not in file.read_bytes()
    for file in images:
        assert parts_of(file) == set(), file
    assert "PERSON" not in "".join(capfd.readouterr())


def test_pixels_are_those_of_the_image_and_not_of_its_thumbnail(planted, noise):
    planted({})
    ingest()
    assert {read_image(Path("data/raw") / path).shape for path in list_images(Path("data/raw"))} == {(80, 90, 3)}
