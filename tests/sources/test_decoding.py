import io
import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from stages.sources.decoding import RejectedImage, decode_image
from tests.strange.files import encode, interlaced_png, jpeg_of_many_scans, png

LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("PPM", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
]


def decode(content: bytes, max_pixels: int = 10**6) -> np.ndarray:
    image = decode_image(content, max_pixels=max_pixels)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    return image


def reason(content: bytes, max_pixels: int = 10**6) -> str:
    with pytest.raises(RejectedImage) as caught:
        decode_image(content, max_pixels=max_pixels)
    return str(caught.value)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(("image_format", "options"), LOSSLESS)
def test_lossless_formats_give_the_same_pixels(noise, image_format, options):
    assert np.array_equal(decode(encode(noise(), image_format, **options)), noise())


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_jpeg_gives_about_the_same_colours(options):
    image = np.full((20, 30, 3), (200, 30, 90), np.uint8)
    assert np.abs(decode(encode(image, "JPEG", quality=95, **options)).astype(int) - image).max() <= 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 10_000), (10_000, 1)])
def test_extreme_shapes_are_taken(noise, shape):
    image = noise(0, *shape)
    assert np.array_equal(decode(encode(image, "PNG")), image)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (12, 16)])
def test_interlaced_png_is_taken(noise, shape):
    assert np.array_equal(decode(interlaced_png(noise(0, *shape))), noise(0, *shape))


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "PPM", "BMP"])
def test_grey_becomes_rgb(image_format):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    assert np.array_equal(decode(encode(values, image_format)), grey(values))


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "PPM", "BMP"])
def test_one_bit_becomes_black_and_white(image_format):
    bits = np.array([[True, False, True]])
    assert decode(encode(bits, image_format))[0, :, 0].tolist() == [255, 0, 255]


def test_transparency_is_laid_on_white():
    image = np.array([[(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128)]], np.uint8)
    expected = [[255, 0, 0], [255, 255, 255], [127, 127, 127]]
    for image_format, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        assert decode(encode(image, image_format, **options))[0].tolist() == expected


def test_grey_with_transparency_is_laid_on_white():
    image = Image.fromarray(np.array([[(0, 255), (0, 0), (0, 51)]], np.uint8), "LA")
    assert decode(encode(image, "PNG"))[0].tolist() == [[0] * 3, [255] * 3, [204] * 3]


@pytest.fixture
def palette() -> Image.Image:
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 200, 100, 50, 10, 20, 30])
    image.putdata([0, 1, 2])
    return image


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "BMP"])
def test_palette_becomes_rgb(palette, image_format):
    assert decode(encode(palette, image_format))[0].tolist() == [[0, 0, 0], [200, 100, 50], [10, 20, 30]]


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 255])])
def test_transparent_palette_is_laid_on_white(palette, transparency):
    content = encode(palette, "PNG", transparency=transparency)
    assert decode(content)[0].tolist() == [[0, 0, 0], [255, 255, 255], [10, 20, 30]]


@pytest.mark.parametrize(("mode", "key"), [("L", 7), ("RGB", (7, 7, 7))])
def test_transparent_colour_is_laid_on_white(mode, key):
    image = Image.fromarray(grey([[7, 8]])).convert(mode)
    assert decode(encode(image, "PNG", transparency=key))[0].tolist() == [[255] * 3, [8] * 3]


DEEP = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)


def big_endian_tiff() -> bytes:
    stream = io.BytesIO()
    Image.frombytes("I;16B", (6, 1), DEEP.astype(">u2").tobytes()).save(stream, "TIFF")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        encode(DEEP, "PNG"),
        encode(DEEP, "TIFF"),
        big_endian_tiff(),
        b"P5 6 1 65535\n" + DEEP.astype(">u2").tobytes(),
        b"P2 6 1 65535\n" + b" ".join(b"%d" % value for value in DEEP[0]) + b"\n",
    ],
    ids=["png", "tiff", "big-endian tiff", "pgm", "plain pgm"],
)
def test_16_bit_grey_is_scaled_to_the_nearest_level(content):
    assert np.array_equal(decode(content), grey([[0, 0, 1, 1, 128, 255]]))


def test_deep_pgm_is_scaled_by_its_own_white():
    assert decode(b"P5 2 1 1023\n\x03\xff\x02\x00")[0, :, 0].tolist() == [255, 128]


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".ppm"])
def test_16_bit_colour_is_within_one_level(suffix):
    image = np.random.default_rng(0).integers(0, 65536, (8, 9, 3), np.uint16)
    content = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    assert np.abs(decode(content) - image / 257).max() <= 1


def test_16_bit_colour_with_transparency_is_laid_on_white():
    image = np.array([[(0, 0, 0, 65535), (0, 0, 0, 0)]], np.uint16)
    assert decode(cv2.imencode(".png", image)[1].tobytes())[0].tolist() == [[0] * 3, [255] * 3]


@pytest.mark.parametrize("image_format", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(image_format):
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert np.abs(decode(encode(image, image_format))[8, 8].astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF"])
def test_first_frame_of_an_animation_is_taken(noise, image_format):
    options = {"lossless": True} if image_format == "WEBP" else {}
    frames = [Image.fromarray(noise(seed)) for seed in range(3)]
    content = encode(frames[0], image_format, save_all=True, append_images=frames[1:], **options)
    assert np.array_equal(decode(content), noise(0))


def test_first_picture_of_a_stereo_pair_is_taken():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    content = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert decode(content)[0, 0, 0] > 250


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, [[1, 2, 3], [4, 5, 6]]),
        (2, [[3, 2, 1], [6, 5, 4]]),
        (3, [[6, 5, 4], [3, 2, 1]]),
        (4, [[4, 5, 6], [1, 2, 3]]),
        (5, [[1, 4], [2, 5], [3, 6]]),
        (6, [[4, 1], [5, 2], [6, 3]]),
        (7, [[6, 3], [5, 2], [4, 1]]),
        (8, [[3, 6], [2, 5], [1, 4]]),
        (9, [[1, 2, 3], [4, 5, 6]]),  # no such orientation
    ],
)
@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "WEBP", "deep PNG"])
def test_exif_rotation_is_applied(orientation, upright, image_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    if image_format == "deep PNG":
        content = encode(stored.astype(np.uint16) * 257, "PNG", exif=exif)
    else:
        content = encode(
            grey(stored), image_format, exif=exif, **({"lossless": True} if image_format == "WEBP" else {})
        )
    assert decode(content)[..., 0].tolist() == upright


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_of_jpeg_puts_the_corner_up_left(orientation):
    stored = np.zeros((32, 48), np.uint8)
    rows, columns = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}[
        orientation
    ]
    stored[16 * rows : 16 * rows + 16, 32 * columns : 32 * columns + 16] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(encode(stored, "JPEG", exif=exif))
    assert image.shape[:2] == ((32, 48) if orientation < 5 else (48, 32))
    assert image[4, 4, 0] > 250


def broken_exif() -> list[bytes]:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    whole = exif.tobytes()
    rational_as_text = (
        b"MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x01\x1a\0\x02\0\0\0\x04\0\0\0\x48\0\0\0\0"
    )
    return [b"", b"Exif\0\0", whole[:-3], b"Exif\0\0XX\0*" + whole[10:], rational_as_text, b"\xff" * 40]


@pytest.mark.parametrize("exif", broken_exif())
@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore")
def test_broken_exif_does_not_reject_an_image(noise, exif, image_format):
    options = {"lossless": True} if image_format == "WEBP" else {}
    assert decode(encode(noise(), image_format, exif=exif, **options)).size == noise().size


def test_rotation_is_applied_though_other_tags_are_broken(noise):
    # Orientation 6, and a length of text where a resolution should be: readable, but Pillow cannot write it again.
    tags = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHI4s", 0x011A, 2, 4, b"abc\0")
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 2) + tags + b"\0\0\0\0"
    assert np.array_equal(decode(encode(noise(), "PNG", exif=exif)), np.rot90(noise(), -1))


def test_colour_profile_is_ignored(noise):
    assert np.array_equal(decode(encode(noise(), "PNG", icc_profile=b"no profile at all")), noise())


def test_text_in_a_png_does_not_matter(noise):
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "A. Person")
    info.add_itxt("XML:com.adobe.xmp", "<x/>")
    assert np.array_equal(decode(encode(noise(), "PNG", pnginfo=info)), noise())


@pytest.mark.parametrize("content", [b"not an image\n", b"\0" * 1000, b"%PDF-1.7", b"<svg/>", b"\xff\xd8"])
def test_what_is_no_image_is_rejected(content):
    assert reason(content) == "the content is not an image of a supported format"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"GIF89a", "GIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    ],
)
def test_formats_that_are_not_read_are_named_with_what_to_do(head, name):
    assert reason(head + bytes(100)) == f"{name} files are not read; convert them to PNG or JPEG"


def test_empty_file_is_rejected():
    assert reason(b"") == "the file is empty"


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_without_a_range_are_rejected(mode):
    content = encode(Image.new(mode, (4, 4)), "TIFF")
    assert reason(content) == "32-bit pixels have no known range; 8-bit and 16-bit images are allowed"


def test_portable_float_map_is_rejected():
    assert reason(b"Pf\n1 1\n-1.0\n\0\0\0\0").startswith("32-bit pixels")


DECODE = """
import sys
from stages.sources.decoding import RejectedImage, decode_image
try:
    decode_image(sys.stdin.buffer.read(), max_pixels=100)
except RejectedImage as error:
    print(error)
"""


def test_pillow_says_nothing_of_its_own_about_a_broken_file():
    # In a process of its own, for pytest takes up what is logged.
    samples = struct.pack("<HHIH", 277, 3, 1, 3)
    content = encode(Image.new("RGB", (4, 4)), "TIFF").replace(samples, struct.pack("<HHIH", 277, 3, 1, 65535))
    done = subprocess.run([sys.executable, "-c", DECODE], input=content, capture_output=True, check=True)
    assert done.stdout == b"the content is not an image of a supported format\n"
    assert done.stderr == b""


def test_libtiff_prints_nothing(noise, capfd):
    content = encode(noise(0), "TIFF", compression="tiff_adobe_deflate")
    middle = len(content) // 2
    assert "decoder error" in reason(content[:middle] + bytes(9) + content[middle + 9 :])
    assert capfd.readouterr().err == ""


def test_image_without_pixels_is_rejected():
    assert reason(b"P6 0 5 255\n")


def test_huge_header_is_rejected_before_decoding():
    content = png(20_000, 20_000, b"no pixels at all")
    message = "20000 x 20000 pixels are more than data.max_pixels 100000000"
    assert reason(content, max_pixels=10**8) == message


def test_jpeg_of_endless_scans_is_rejected_before_decoding():
    content = jpeg_of_many_scans(100, 2000)
    assert reason(content, max_pixels=200_000).endswith(" scans of 100 x 100 pixels are too much work")
    assert decode(content, max_pixels=210_000).shape == (100, 100, 3)


def test_number_of_pixels_may_reach_the_limit(noise):
    content = encode(noise(), "PNG")
    assert decode(content, max_pixels=12 * 16).size
    assert reason(content, max_pixels=12 * 16 - 1) == "16 x 12 pixels are more than data.max_pixels 191"


@pytest.mark.parametrize(
    ("image_format", "options"), [*LOSSLESS, ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}), ("deep", {})]
)
@pytest.mark.filterwarnings("ignore")
def test_truncated_file_is_rejected_or_has_all_its_pixels(noise, image_format, options):
    content = encode(DEEP, "PNG") if image_format == "deep" else encode(noise(), image_format, **options)
    whole = decode(content)
    rejected = 0
    for length in range(len(content)):
        try:
            assert np.array_equal(decode(content[:length]), whole), length
        except RejectedImage as error:
            rejected += 1
            assert "\n" not in str(error)
    assert rejected > len(content) / 2


@pytest.mark.parametrize(
    ("image_format", "options"), [*LOSSLESS, ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {})]
)
@pytest.mark.filterwarnings("ignore")
def test_flipped_bits_give_an_image_or_a_reason(noise, image_format, options):
    content = encode(noise(), image_format, **options)
    rng = np.random.default_rng(0)
    for _ in range(200):
        flipped = np.frombuffer(content, np.uint8).copy()
        flipped[rng.integers(0, rng.choice([60, len(flipped)]), rng.integers(1, 6))] ^= np.uint8(1 << rng.integers(8))
        try:
            decode(flipped.tobytes())
        except RejectedImage as error:
            # An address in the message would make the report differ from run to run.
            assert " at 0x" not in str(error)
            assert "\n" not in str(error)


def test_extension_does_not_matter(noise):
    # There is none: the function gets bytes alone.
    assert np.array_equal(decode(encode(noise(), "BMP")), decode(encode(noise(), "PNG")))
