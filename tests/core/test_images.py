"""Images come back as they were written, and are listed and resized."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from stages.core.errors import PipelineError
from stages.core.images import class_of, encode_image, list_images, max_side, read_image, resize_image, write_image


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (1000, 1), (13, 17)])
@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".BMP", "BMP"), (".tif", "TIFF")])
def test_lossless_formats_keep_every_pixel(tmp_path, noise, size, suffix, kind):
    image, file = noise(0, *size), tmp_path / "a" / f"b{suffix}"
    write_image(file, image)
    assert np.array_equal(read_image(file), image)
    assert np.array_equal(cv2.imread(str(file))[..., ::-1], image)
    with Image.open(file) as opened:
        assert opened.format == kind


def test_jpg_keeps_about_the_same_colours_at_full_resolution(tmp_path):
    image = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    write_image(tmp_path / "a.jpg", image)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - image).max() <= 3
    with Image.open(tmp_path / "a.jpg") as opened:
        assert [sampling[1:3] for sampling in opened.layer] == [(1, 1)] * 3


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_keeps_quality_and_subsampling_and_hardly_changes_when_it_is_encoded_once_more(mode, subsampling):
    rows, columns = np.mgrid[:64, :80]
    image = np.stack([rows * 3, columns * 3, rows + columns], axis=2).astype(np.uint8)
    first = io.BytesIO()
    Image.fromarray(image).convert(mode).save(first, "JPEG", quality=60, subsampling=subsampling)
    with Image.open(first) as opened:
        pixels, tables = np.array(opened.convert("RGB")), opened.quantization
    encoded = encode_image(pixels, Path("a.JPEG"), first.getvalue())
    with Image.open(io.BytesIO(encoded)) as opened:
        assert opened.mode == ("L" if mode == "L" else "RGB")
        assert [opened.quantization[component[3]] for component in opened.layer][0] == tables[0]
        assert mode != "RGB" or JpegImagePlugin.get_sampling(opened) == subsampling
        assert np.abs(np.array(opened.convert("RGB")).astype(int) - pixels).mean() < 1.5
    assert mode != "L" or len(encoded) <= len(first.getvalue())


@pytest.mark.parametrize("like", [b"", b"no image", b"\xff\xd8\xff\xc0\0\x02"])
def test_what_is_no_jpeg_to_be_like_changes_nothing(noise, like):
    assert encode_image(noise(), Path("a.jpg"), like) == encode_image(noise(), Path("a.jpg"))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".WEBP"])
def test_the_longest_side_can_be_written_and_a_longer_one_is_refused(tmp_path, suffix):
    file = tmp_path / f"a{suffix}"
    with pytest.raises(PipelineError, match=f"sides of at most {max_side(suffix)} pixels"):
        write_image(file, np.zeros((max_side(suffix) + 1, 1, 3), np.uint8))
    assert not file.exists()
    write_image(file, np.zeros((1, max_side(suffix), 3), np.uint8))
    assert read_image(file).shape == (1, max_side(suffix), 3)


HUGE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (2**20 + 1).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0" + b"\0" * 4


@pytest.mark.parametrize("content", [b"", b"text", HUGE[:8], HUGE], ids=["empty", "text", "cut", "huge"])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PipelineError, match=r"a\.png` must be a whole image; run `dvc repro -f ingest`"):
        read_image(tmp_path / "a.png")


def test_images_are_listed_sorted_with_their_folders(tmp_path, save_images):
    paths = ["test/b.png/1.png", "train/a.b/1.png", "train/a/1.jpg", "train/a/x/2.png"]
    save_images(tmp_path, paths[::-1])
    (tmp_path / "train/a/note.txt").write_text("no image")
    assert list_images(tmp_path) == paths
    assert class_of("car/night/1.png") == "car"


def test_a_smaller_image_is_the_mean_of_the_area_and_one_of_the_same_size_a_copy(noise):
    image = noise()
    mean = image.reshape(3, 4, 4, 4, 3).mean(axis=(1, 3))
    assert np.abs(resize_image(image, (3, 4)) - mean).max() <= 0.5
    same = resize_image(image, (12, 16))
    assert np.array_equal(same, image) and same is not image
