"""Silhouettes go with their images, and one that is not of its image is refused by name."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.core.boxes import Box, read_boxes
from stages.core.datasets import Dataset
from stages.core.errors import PipelineError
from stages.core.files import write_file
from stages.core.images import list_images
from stages.core.masks import Masks
from stages.core.paths import INGEST_REPORT, MASKS_FOLDER, RAW_FOLDER, REGIONS_FILE
from stages.ingest import ingest
from stages.sources.key import read_key
from stages.sources.masks import boxes_around
from tests.clones import set_param
from tests.faults import message_of
from tests.strange.files import encode
from tests.strange.odd import exif

PATHS = [f"{split}/{name}/{number}.png" for split in ("train", "test") for name in "ab" for number in range(2)]
FLAT = [path.split("/", 1)[1] for path in PATHS[:4]]


@pytest.fixture
def source(workspace, save_images):
    def make(masks: dict[str, np.ndarray | bytes], paths: list[str] = PATHS, **changes) -> Path:
        params = {f"data.{key}": value for key, value in changes.items()}
        folder = workspace({"data.source": "source", **params}) / "source"
        save_images(folder, paths)
        for path, mask in masks.items():
            content = mask if isinstance(mask, bytes) else encode(mask.astype(np.uint8) * 255, "PNG")
            write_file(folder / "masks" / path, content)
        return folder

    return make


def drawn(seed: int, size: tuple[int, int] = (12, 16)) -> np.ndarray:
    return np.random.default_rng(seed).random(size) < 0.2


@pytest.mark.parametrize("classes", ["folders", "none"])
@pytest.mark.parametrize("layout", ["files", "shards"])
@pytest.mark.parametrize("rename", [False, True])
@pytest.mark.parametrize("paths", [PATHS, FLAT], ids=["split", "no split"])
def test_silhouettes_keep_their_images(source, classes, layout, rename, paths):
    masks = {path: drawn(seed) for seed, path in enumerate(paths[1:])}
    source(masks, paths, classes=classes, layout=layout, rename=rename, shard_images=2, image_format="jpg")
    ingest()
    key = {image: path for image, path, _ in read_key(RAW_FOLDER)} if rename else {}
    found = Masks()
    for image in Dataset(RAW_FOLDER).paths():
        path = key.get(image) or next(path for path in paths if image.endswith(f"{path[:-4]}.jpg"))
        mask = found.read(image)
        assert (mask is None) == (path == paths[0])
        assert mask is None or np.array_equal(mask, masks[path])
    assert len(Dataset(RAW_FOLDER).paths()) == len(paths)
    assert Dataset(MASKS_FOLDER).is_sharded == (layout == "shards")


def test_a_silhouette_is_of_the_upright_image_and_shrinks_to_all_that_it_covers(source, noise):
    mask = np.zeros((16, 12), bool)
    mask[0, 0] = mask[9, 4] = True
    folder = source({"train/a/0.png": mask}, max_side=8)
    Image.fromarray(noise()).save(folder / "train/a/0.png", exif=exif(6))
    ingest()
    expected = np.zeros((8, 6), bool)
    expected[0, 0] = expected[4, 2] = True
    assert np.array_equal(Masks().read("train/a/0.png"), expected)
    assert read_boxes(REGIONS_FILE)["train/a/0.png"] == [Box(0, 0, 1, 1, "person"), Box(2, 4, 1, 1, "person")]


def test_outlines_of_coco_are_silhouettes_too_and_join_those_of_files(source):
    mask = np.zeros((12, 16), bool)
    mask[11, 15] = True
    folder = source({"train/a/0.png": mask})
    (folder / "regions.json").write_text(
        """{"images": [{"id": 1, "file_name": "train/a/0.png", "width": 16, "height": 12}], "annotations": [
        {"image_id": 1, "segmentation": [[2, 3, 6, 3, 6, 8, 2, 8]]}, {"image_id": 1, "bbox": [0, 0, 3, 3]}]}"""
    )
    set_param(folder.parent, "regions.file", "regions.json")
    ingest()
    found = Masks().read("train/a/0.png")
    assert found[3:8, 2:6].all() and found[11, 15] and not found[:1].any() and not found[:, 8:15].any()
    assert Box(15, 11, 1, 1, "person") in read_boxes(REGIONS_FILE)["train/a/0.png"]


def test_composed_and_decomposed_names_are_the_same(source):
    source({"a/e\u0301.png": drawn(0)}, ["a/\u00e9.png", "b/1.png"], classes="none")
    ingest()
    assert np.array_equal(Masks().read("a/\u00e9.png"), drawn(0))


def test_silhouettes_of_files_that_give_no_image_are_counted(source):
    folder = source({"train/a/0.png": drawn(0), "train/a/1.png": drawn(1)}, max_rejected=0.5)
    (folder / "train/a/0.png").write_bytes(b"broken")
    ingest()
    assert list_images(MASKS_FOLDER) == ["train/a/1.png"]
    assert '"silhouettes_without_image": 1' in INGEST_REPORT.read_text()


@pytest.mark.parametrize("classes", ["folders", "none"])
def test_a_folder_of_that_name_may_be_a_class_and_is_told(source, classes, capsys):
    source({}, ["cat/0.png", "cat/1.png", "masks/7.png", "masks/8.png"], classes=classes)
    ingest()
    assert len(list_images(RAW_FOLDER)) == 4
    assert "ingest: 2 images are of the folder masks" in capsys.readouterr().out
    assert list(MASKS_FOLDER.iterdir()) == []


WHOLE = encode(np.zeros((12, 16), np.uint8), "PNG")
BAD = {
    "size": ("train/b/0.png", encode(np.zeros((16, 12), np.uint8), "PNG")),
    "levels": ("train/b/0.png", encode(np.full((12, 16), 7, np.uint8), "PNG")),
    "colour": ("train/b/0.png", encode(np.zeros((12, 16, 3), np.uint8), "PNG")),
    "deep": ("train/b/0.png", encode(np.zeros((12, 16), np.uint16), "PNG")),
    "JPEG": ("train/b/0.png", encode(np.zeros((12, 16), np.uint8), "JPEG")),
    "cut": ("train/b/0.png", WHOLE[:-20]),
    "empty": ("train/b/0.png", b""),
    "text": ("train/b/0.png", b"a text"),
    "no image": ("train/b/9.png", WHOLE),
    "no PNG": ("train/b/0.jpg", WHOLE),
}


@pytest.mark.parametrize("classes", ["folders", "none"])
@pytest.mark.parametrize(("path", "content"), BAD.values(), ids=BAD)
def test_a_silhouette_that_is_none_is_refused_by_name_and_nothing_is_written(source, path, content, classes):
    source({"train/a/0.png": drawn(0), path: content}, classes=classes)
    message = message_of(PipelineError, ingest)
    assert re.match(f"`source/masks/{path}` must .*; received: ", message) and message.isprintable()
    assert not RAW_FOLDER.exists() and not MASKS_FOLDER.exists()


def test_a_second_silhouette_of_an_image_is_refused(source):
    source({"train/a/0.PNG": drawn(0), "train/a/0.png": drawn(1)})
    with pytest.raises(PipelineError, match=r"^`source/masks/train/a/0.png` must .*; received: a second"):
        ingest()


def test_a_link_out_of_the_source_is_refused(source, tmp_path):
    folder = source({"train/a/0.png": drawn(0)})
    (tmp_path / "outside.png").write_bytes(WHOLE)
    (folder / "masks/train/a/1.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(PipelineError, match=r"^`source/masks/train/a/1.png` must be a silhouette; .*leads out"):
        ingest()


@pytest.mark.parametrize(("label", "count"), [("", 0), ("person", 0), ("face", 0), ("head", 0), ("car", 1)])
def test_a_box_of_something_else_hides_nobody_from_variants_of_people(label, count):
    mask = np.zeros((40, 40), bool)
    mask[2:5, 3:9] = True
    assert boxes_around(mask, [Box(0, 0, 30, 30, label)]) == [Box(3, 2, 6, 3, "person")] * count


def test_what_no_box_holds_gets_one_of_its_own():
    mask = np.zeros((40, 40), bool)
    mask[2:5, 3:9] = mask[20:22, 30:33] = True
    assert boxes_around(mask, [Box(0, 0, 10, 10)]) == [Box(30, 20, 3, 2, "person")]
    mask[::2, ::2] = True
    assert boxes_around(mask, []) == [Box(0, 0, 39, 39, "person")]  # not hundreds
