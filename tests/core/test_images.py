import errno
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from stages.core.errors import PipelineError
from stages.core.files import new_folder, write_file
from stages.core.images import MAX_SIDE, class_of, list_images, read_image, resize_image, write_image


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 1000), (1000, 1), (13, 17)])
def test_png_gives_back_the_same_pixels(tmp_path, noise, height, width):
    image = noise(0, height, width)
    write_image(tmp_path / "a" / "b.png", image)
    assert np.array_equal(read_image(tmp_path / "a" / "b.png"), image)


def test_jpg_gives_back_about_the_same_colours(tmp_path):
    image = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    write_image(tmp_path / "a.jpg", image)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - image).max() <= 3


def test_jpg_keeps_full_colour_resolution(tmp_path, noise):
    write_image(tmp_path / "a.jpg", noise())
    with Image.open(tmp_path / "a.jpg") as image:
        assert [sampling[1:3] for sampling in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_written_file_holds_no_metadata(tmp_path, noise, suffix):
    write_image(tmp_path / f"a{suffix}", noise())
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not image.getexif()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_longest_side_can_be_written_and_read(tmp_path, suffix):
    image = np.zeros((1, MAX_SIDE[suffix], 3), np.uint8)
    write_image(tmp_path / f"a{suffix}", image)
    assert read_image(tmp_path / f"a{suffix}").shape == image.shape


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_longer_side_is_refused(tmp_path, suffix):
    with pytest.raises(PipelineError) as caught:
        write_image(tmp_path / f"a{suffix}", np.zeros((MAX_SIDE[suffix] + 1, 1, 3), np.uint8))
    assert f"sides of at most {MAX_SIDE[suffix]} pixels" in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n"])
def test_broken_file_is_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PipelineError, match=r"a\.png` must be a whole PNG or JPEG image; run `dvc repro -f ingest`"):
        read_image(tmp_path / "a.png")


def test_huge_header_is_refused_in_one_line(tmp_path):
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (2**20 + 1).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    (tmp_path / "a.png").write_bytes(head + b"\0" * 4)
    with pytest.raises(PipelineError, match="must be a whole PNG or JPEG image"):
        read_image(tmp_path / "a.png")


def test_images_are_listed_sorted_with_their_folders(tmp_path, save_images):
    paths = ["test/b/1.png", "train/a/x/2.png", "train/a/1.jpg", "train/a.b/1.png"]
    save_images(tmp_path, paths)
    (tmp_path / "train/a/note.txt").write_text("no image")
    assert list_images(tmp_path) == ["test/b/1.png", "train/a.b/1.png", "train/a/1.jpg", "train/a/x/2.png"]


def test_folder_named_like_an_image_is_not_listed(tmp_path, save_images):
    save_images(tmp_path, ["train/a.png/1.png"])
    assert list_images(tmp_path) == ["train/a.png/1.png"]


@pytest.mark.parametrize("folder", ["missing", "."])
def test_folder_without_images_is_refused(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError) as caught:
        list_images(Path(folder))
    assert str(caught.value) == f"`{folder}` must hold images (.png or .jpg); received: none"


def test_class_is_the_first_folder():
    assert class_of("car/night/1.png") == "car"


def test_same_size_leaves_pixels_as_they_are(noise):
    image = noise()
    resized = resize_image(image, (12, 16))
    assert np.array_equal(resized, image)
    assert resized is not image


def test_smaller_is_the_mean_of_the_area(noise):
    image = noise()
    mean = image.reshape(3, 4, 4, 4, 3).mean(axis=(1, 3))
    assert np.abs(resize_image(image, (3, 4)) - mean).max() <= 0.5


@pytest.mark.parametrize("size", [(24, 32), (24, 8), (6, 32), (1, 1)])
def test_resized_image_has_the_size_and_its_range(noise, size):
    image = noise()
    resized = resize_image(image, size)
    assert resized.shape == (*size, 3)
    assert image.min() <= resized.min() <= resized.max() <= image.max()


def test_constant_image_stays_constant():
    image = np.full((9, 9, 3), (1, 2, 3), np.uint8)
    assert (resize_image(image, (20, 20)) == (1, 2, 3)).all()


def test_new_folder_replaces_the_old_one(tmp_path):
    write_file(tmp_path / "raw" / "old.txt", b"old")
    with new_folder(tmp_path / "raw") as folder:
        (folder / "new.txt").write_bytes(b"new")
        assert (tmp_path / "raw" / "old.txt").exists()
    assert [file.name for file in (tmp_path / "raw").iterdir()] == ["new.txt"]
    assert [file.name for file in tmp_path.iterdir()] == ["raw"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_there_is_no_new_folder(tmp_path, error):
    with pytest.raises(error), new_folder(tmp_path / "data" / "raw") as folder:
        (folder / "half.txt").write_bytes(b"half")
        raise error
    assert list((tmp_path / "data").iterdir()) == []


def test_after_an_error_the_old_folder_is_whole(tmp_path):
    write_file(tmp_path / "raw" / "old.txt", b"old")
    with pytest.raises(ValueError), new_folder(tmp_path / "raw"):  # noqa: PT011
        raise ValueError
    assert (tmp_path / "raw" / "old.txt").read_bytes() == b"old"


def test_left_over_of_a_killed_run_is_removed(tmp_path):
    write_file(tmp_path / ".raw.k1ll3d" / "half.txt", b"half")
    write_file(tmp_path / ".rawhide.other" / "whole.txt", b"whole")
    with new_folder(tmp_path / "raw"):
        pass
    assert sorted(file.name for file in tmp_path.iterdir()) == [".rawhide.other", "raw"]


def test_file_is_written_in_a_new_folder(tmp_path):
    write_file(tmp_path / "a" / "b" / "c.json", b"{}")
    assert (tmp_path / "a" / "b" / "c.json").read_bytes() == b"{}"


def test_half_a_file_of_a_killed_run_is_removed(tmp_path):
    for name in (".raw.csv.1234.csv", ".raw.json.1234.json"):
        (tmp_path / name).write_bytes(b"half")
    write_file(tmp_path / "raw.csv", b"whole")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".raw.json.1234.json", "raw.csv"]


def test_file_stays_whole_when_the_disk_is_full(tmp_path, monkeypatch):
    write_file(tmp_path / "a.json", b"old")

    def write_half(file: Path, content: bytes) -> None:
        with file.open("wb") as stream:
            stream.write(content[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match="No space left"):
        write_file(tmp_path / "a.json", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"old"


def test_rgb_order_is_kept(tmp_path):
    write_image(tmp_path / "a.png", np.full((1, 1, 3), (255, 0, 0), np.uint8))
    assert cv2.imread(str(tmp_path / "a.png"))[0, 0].tolist() == [0, 0, 255]
