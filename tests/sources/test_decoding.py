"""Any file becomes upright RGB pixels, or is rejected with a reason of one line."""

import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stages.sources.decoding import RejectedImage, decode_image
from tests.strange import KINDS, MAX_PIXELS
from tests.strange.files import encode, jpeg_of_many_scans, png
from tests.strange.odd import TURNS, exif

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns of broken metadata; `ingest` silences it

SLOW = ("bomb", "just too large", "JPEG of endless scans")
STARTS = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8 ", b"BM", b"II*\0", b"MM\0*", b"P5 ", b"P3 "]


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray | str:
    """Return the pixels, or the reason why there are none; either is checked."""
    try:
        image = decode_image(content, max_pixels=max_pixels)
    except RejectedImage as error:
        # An address in the reason would make the report differ from run to run.
        assert str(error).isprintable() and 0 < len(str(error)) < 300 and " at 0x" not in str(error)
        return str(error)
    assert image.dtype == np.uint8 and image.ndim == image.shape[2] == 3 and 0 < image.size <= 3 * max_pixels
    return image


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_taken_with_its_pixels_or_rejected(kind):
    for seed in range(5 if kind in SLOW else 25):
        strange = KINDS[kind](np.random.default_rng(seed))
        found = decode(strange.content)
        rejected = isinstance(found, str)
        assert strange.verdict in ("rejected" if rejected else "taken", "either"), (seed, found)
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


@settings(max_examples=250, deadline=10_000, derandomize=True, database=None)
@given(CHANGED | ANY)
def test_any_bytes_give_an_image_or_a_reason(content):
    decode(content)


PALETTE = Image.fromarray(np.uint8([[0, 1, 2]]), "P")
PALETTE.putpalette([0, 0, 0, 200, 100, 50, 10, 20, 30])
ALPHA = np.uint8([[(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128)]])
ON_WHITE = [(255, 0, 0), (255, 255, 255), (127, 127, 127)]
DEEP = np.uint16([[0, 128, 129, 257, 32768, 65535]])
DEEP_BYTES = DEEP.astype(">u2").tobytes()
DEEP_LEVELS = [0, 0, 1, 1, 128, 255]
# Files of one row, and its pixels; of grey ones, their level.
ROWS = {
    **{f"grey {name}": (encode(np.uint8([[0, 7, 220]]), name), [0, 7, 220]) for name in ("PNG", "TIFF", "PPM", "BMP")},
    **{f"bits {name}": (encode(np.array([[True, False]]), name), [255, 0]) for name in ("PNG", "TIFF", "PPM", "BMP")},
    "alpha PNG": (encode(ALPHA, "PNG"), ON_WHITE),
    "alpha WebP": (encode(ALPHA, "WEBP", lossless=True, exact=True), ON_WHITE),
    "alpha TIFF": (encode(ALPHA, "TIFF"), ON_WHITE),
    "grey with alpha": (encode(Image.fromarray(np.uint8([[(0, 255), (0, 0), (0, 51)]]), "LA"), "PNG"), [0, 255, 204]),
    "transparent place": (encode(PALETTE, "PNG", transparency=1), [(0, 0, 0), (255, 255, 255), (10, 20, 30)]),
    "transparent places": (encode(PALETTE, "PNG", transparency=b"\xff\0\xff"), [(0, 0, 0), (255,) * 3, (10, 20, 30)]),
    "transparent grey": (encode(np.uint8([[7, 8]]), "PNG", transparency=7), [255, 8]),
    "transparent colour": (encode(np.uint8([[(7, 7, 7), (8, 8, 8)]]), "PNG", transparency=(7, 7, 7)), [255, 8]),
    "deep PNG": (encode(DEEP, "PNG"), DEEP_LEVELS),
    "deep TIFF": (encode(DEEP, "TIFF"), DEEP_LEVELS),
    "deep TIFF, other order": (encode(Image.frombytes("I;16B", (6, 1), DEEP_BYTES), "TIFF"), DEEP_LEVELS),
    "deep PGM": (b"P5 6 1 65535\n" + DEEP_BYTES, DEEP_LEVELS),
    "deep PGM in words": (b"P2 6 1 65535\n" + b" ".join(b"%d" % level for level in DEEP[0]) + b"\n", DEEP_LEVELS),
    "PGM of its own white": (b"P5 2 1 1023\n\x03\xff\x02\x00", [255, 128]),
    "deep with alpha": (cv2.imencode(".png", np.uint16([[(0, 0, 0, 65535), (0, 0, 0, 0)]]))[1].tobytes(), [0, 255]),
}


@pytest.mark.parametrize(("content", "row"), ROWS.values(), ids=ROWS)
def test_every_mode_becomes_rgb_with_transparency_on_white(content, row):
    pixels = np.array(row).reshape(len(row), -1)
    assert decode(content).tolist() == [np.broadcast_to(pixels, (len(row), 3)).tolist()]


RED = Image.new("RGB", (16, 16), (254, 0, 0))
FLAT = {
    "JPEG": encode(RED, "JPEG", quality=95),
    "progressive JPEG": encode(RED, "JPEG", quality=95, progressive=True),
    "WebP": encode(RED, "WEBP", quality=95),
    "CMYK JPEG": encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"),
    "CMYK TIFF": encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "TIFF"),
    "stereo pair": encode(RED, "MPO", save_all=True, append_images=[Image.new("RGB", (16, 16), "blue")]),
}


@pytest.mark.parametrize("content", FLAT.values(), ids=FLAT)
def test_lossy_files_keep_their_colours(content):
    assert np.abs(decode(content)[8, 8].astype(int) - (254, 0, 0)).max() <= 3


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
    **{
        str(content[:6]): (content, "the content is not an image of a supported format")
        for content in (b"a text\n", bytes(1000), b"%PDF-1.7", b"\xff\xd8")
    },
    **{
        name: (head + bytes(100), f"{name} files are not read; convert them to PNG or JPEG")
        for head, name in (
            (b"GIF89a", "GIF"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
            (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"),
            (b"\xff\x0a\xfa\x1f", "JPEG XL"),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
            (b"8BPS", "Photoshop"),
        )
    },
    **{
        name: (content, "32-bit pixels have no known range; 8-bit and 16-bit images are allowed")
        for name, content in (
            ("floats", encode(Image.new("F", (4, 4)), "TIFF")),
            ("32 bits", encode(Image.new("I", (4, 4)), "TIFF")),
            ("portable floats", b"Pf\n1 1\n-1.0\n\0\0\0\0"),
        )
    },
    "broken": (encode(RED, "PNG")[:-30], "the image is broken or of an unsupported kind (OSError: "),
    # Before decoding, for there is nothing to decode.
    "huge": (png(20_000, 20_000, b"nothing"), "20000 x 20000 pixels are more than data.max_pixels 1000000"),
}


@pytest.mark.parametrize(("content", "reason"), REASONS.values(), ids=REASONS)
def test_a_rejected_file_has_its_reason(content, reason):
    assert decode(content).startswith(reason)


def test_memory_that_is_too_small_is_the_reason(noise, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "convert", fail)
    assert decode(encode(noise(), "PNG")) == "not enough memory to decode the image"


def test_pixels_and_scans_may_reach_their_limits(noise):
    content = encode(noise(), "PNG")
    assert not isinstance(decode(content, max_pixels=12 * 16), str)
    assert decode(content, max_pixels=12 * 16 - 1) == "16 x 12 pixels are more than data.max_pixels 191"
    scans = jpeg_of_many_scans(100, 2000)
    assert not isinstance(decode(scans, max_pixels=210_000), str)
    assert decode(scans, max_pixels=200_000).endswith(" scans of 100 x 100 pixels are too much work")


@pytest.mark.parametrize("image_format", ["JPEG", "progressive JPEG", "WEBP", "PNG", "TIFF", "deep PNG"])
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
from stages.sources.decoding import RejectedImage, decode_image
try:
    decode_image(sys.stdin.buffer.read(), max_pixels=100)
except RejectedImage as error:
    print(error)
"""
SAMPLES = struct.pack("<HHIH", 277, 3, 1, 3)  # how many samples a pixel has
TIFF = encode(Image.new("RGB", (10, 10), "red"), "TIFF", compression="tiff_adobe_deflate")
SAID = {
    "Pillow": (TIFF.replace(SAMPLES, struct.pack("<HHIH", 277, 3, 1, 65535)), "not an image of a supported format"),
    "libtiff": (TIFF[:12] + bytes(9) + TIFF[21:], "decoder error"),
}


@pytest.mark.parametrize(("content", "reason"), SAID.values(), ids=SAID)
def test_libraries_say_nothing_of_their_own_about_a_broken_file(content, reason):
    # In a process of its own, for pytest takes up what is logged.
    done = subprocess.run([sys.executable, "-c", DECODE], input=content, capture_output=True, check=True)
    assert reason in done.stdout.decode()
    assert done.stderr == b""
