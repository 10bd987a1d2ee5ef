"""Any file becomes upright RGB pixels, or is rejected with a reason of one line."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stages.sources.decoding import NOTES, decode_image
from stages.sources.files import RejectedImage
from tests.clones import ROOT
from tests.strange import KINDS, MAX_PIXELS
from tests.strange.files import encode, jpeg_of_many_scans, png
from tests.strange.odd import TURNS, exif

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns of broken metadata; `ingest` silences it

RNG = np.random.default_rng(0)
STARTS = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8 ", b"BM", b"II*\0", b"MM\0*", b"P5 ", b"P3 "]
STARTS += [b"GIF89a", b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypmif1", b"II*\0\x08\0\0\0\x05\0", b"\xff\xd8\xff\xda\0\x08"]


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray | str:
    """Return the pixels, or the reason why there are none; either is checked."""
    try:
        image, notes = decode_image(content, max_pixels=max_pixels)
    except RejectedImage as error:
        # An address in the reason would make the report differ from run to run.
        assert str(error).isprintable() and 0 < len(str(error)) < 300 and " at 0x" not in str(error)
        return str(error)
    assert image.dtype == np.uint8 and image.ndim == image.shape[2] == 3 and 0 < image.size <= 3 * max_pixels
    assert notes.keys() <= NOTES.keys() and all(count > 0 for count in notes.values())
    return image


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_taken_with_its_pixels_or_rejected(kind):
    for seed in range({"bomb": 5, "JPEG of endless scans": 1}.get(kind, 20)):
        strange = KINDS[kind](np.random.default_rng(seed))
        found = decode(strange.content)
        rejected = isinstance(found, str)
        assert strange.verdict in ("rejected" if rejected else "taken", "either"), (seed, found)
        if not rejected and strange.note:
            assert strange.note in decode_image(strange.content, max_pixels=MAX_PIXELS).notes
        if not rejected and strange.pixels is not None:
            assert found.shape == strange.pixels.shape
            assert np.abs(found.astype(int) - strange.pixels).max() <= strange.tolerance


def changed(kind: str, seed: int, changes: list[tuple[int, int]]) -> bytes:
    content = bytearray(KINDS[kind](np.random.default_rng(seed)).content or b"x")
    for place, value in changes:
        content[place % len(content)] = value
    return bytes(content)


CHANGES = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4)
CHANGED = st.builds(changed, st.sampled_from(sorted(KINDS)), st.integers(0, 2**32 - 1), CHANGES)
ANY = st.builds(bytes.__add__, st.sampled_from(STARTS), st.binary(max_size=200))


@settings(max_examples=150, deadline=10_000, derandomize=True, database=None)
@given(CHANGED | ANY)
def test_any_bytes_give_an_image_or_a_reason(content):
    decode(content)


@pytest.mark.parametrize("orientation", range(1, 10))
def test_exif_rotation_is_applied_to_photos_and_deep_images(orientation):
    stored = np.add.outer(2 * np.arange(32), 3 * np.arange(48)).astype(np.uint8)
    upright = TURNS.get(orientation, TURNS[1])(stored)  # there is no orientation 9
    photo = decode(encode(stored, "JPEG", quality=95, exif=exif(orientation, broken=True)))
    assert photo.shape[:2] == upright.shape
    assert np.abs(photo[..., 0].astype(int) - upright).max() <= 3
    deep = decode(encode(stored.astype(np.uint16) * 257, "PNG", exif=exif(orientation)))
    assert np.array_equal(deep[..., 0], upright)


REASONS = {
    "empty": (b"", "the file is empty"),
    "text": (b"a text\n", "the content is not an image of a supported format"),
    **{
        name: (head + bytes(100), f"{name} files are not read; convert them to PNG or JPEG")
        for head, name in (
            (b"\xff\x0a\xfa\x1f", "JPEG XL"),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
            (b"8BPS", "Photoshop"),
            (b"\0\0\0\x18ftypcrx ", "camera raw"),
            (bytes(128) + b"DICM", "DICOM"),
        )
    },
    "broken": (
        encode(Image.new("RGB", (16, 16)), "PNG")[:-30],
        "the image is broken or of an unsupported kind (a PNG chunk IDAT is cut off or has a wrong checksum)",
    ),
    # Before decoding, for there is nothing to decode.
    "huge": (png(20_000, 20_000, b"nothing"), "20000 x 20000 pixels are more than data.max_pixels 1000000"),
}


@pytest.mark.parametrize(("content", "reason"), REASONS.values(), ids=REASONS)
def test_a_rejected_file_has_its_reason(content, reason):
    assert decode(content).startswith(reason)


def test_pixels_and_scans_may_reach_their_limits(noise):
    for content in (encode(noise(), "PNG"), *(KINDS[f"whole {name}"](RNG).content for name in ("HEIC", "AVIF", "GIF"))):
        height, width, _ = decode(content).shape
        assert not isinstance(decode(content, max_pixels=height * width), str)
        assert decode(content, max_pixels=height * width - 1).startswith(f"{width} x {height} pixels are more than ")
    scans = jpeg_of_many_scans(100, 2000)
    assert not isinstance(decode(scans, max_pixels=210_000), str)
    assert decode(scans, max_pixels=200_000).endswith(" scans of 100 x 100 pixels are too much work")


@pytest.mark.parametrize("image_format", ["JPEG", "progressive JPEG", "WEBP", "PNG", "TIFF", "deep PNG", "GIF", "AVIF"])
def test_truncated_file_is_rejected_or_has_all_its_pixels(noise, image_format):
    image = noise().astype(np.uint16)[..., 0] if image_format == "deep PNG" else noise()
    options = {"progressive": True} if image_format.startswith("progressive") else {}
    content = encode(image, image_format.split()[-1], **options)
    whole = decode(content)
    parts = [decode(content[:length]) for length in range(len(content))]
    assert all(isinstance(part, str) or np.array_equal(part, whole) for part in parts)
    assert sum(isinstance(part, str) for part in parts) > len(content) / 2


DECODE = """
import sys
from stages.sources.decoding import decode_image
from stages.sources.files import RejectedImage
try:
    decode_image(sys.stdin.buffer.read(), max_pixels=100)
except RejectedImage as error:
    print(error)
"""
SAMPLES = struct.pack("<HHIH", 277, 3, 1, 3)  # how many samples a pixel has
TIFF = encode(Image.new("RGB", (10, 10), "red"), "TIFF", compression="tiff_adobe_deflate")
SAID = {
    "Pillow": (TIFF.replace(SAMPLES, struct.pack("<HHIH", 277, 3, 1, 65535)), "samples per pixel"),
    "libtiff": (TIFF[:12] + bytes(9) + TIFF[21:], "decoder error"),
}


@pytest.mark.parametrize(("content", "reason"), SAID.values(), ids=SAID)
def test_libraries_say_nothing_of_their_own_about_a_broken_file(content, reason):
    # In a process of its own, for pytest takes up what is logged.
    done = subprocess.run([sys.executable, "-c", DECODE], input=content, capture_output=True, check=True, cwd=ROOT)
    assert reason in done.stdout.decode()
    assert done.stderr == b""
