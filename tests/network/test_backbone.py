"""ResNet50 without its top: its weights, and the fast way to run it, which agrees with the plain one."""

from pathlib import Path

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.images import read_image, resize_image
from stages.extract import extract
from stages.network import backbone as backbone_module
from stages.network.backbone import BATCH, _load_backbone, build_backbone, load_backbone, run_backbone
from stages.network.inputs import read_features
from stages.network.runtime import keras, start_tensorflow
from tests.training import small_resnet

IMAGES = np.random.default_rng(0).integers(0, 256, (BATCH + 3, 32, 32, 3), np.uint8)


def test_weights_of_a_file_give_every_image_its_features_in_order(tmp_path, monkeypatch):
    start_tensorflow("float32")
    resnet = small_resnet(weights=None, input_shape=(32, 32, 3))
    resnet.save_weights(file := str(tmp_path / "resnet.weights.h5"))
    expected = resnet.predict_on_batch(keras.applications.resnet50.preprocess_input(IMAGES.astype("float32")))
    monkeypatch.setattr(keras.applications, "ResNet50", small_resnet)
    for precision, tolerance in (("float32", 1e-3), ("bfloat16", 0.05)):
        found = run_backbone(load_backbone(file, 32, precision), iter(IMAGES))
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_imagenet_weights_without_a_network_name_the_two_ways_out(monkeypatch):
    def refuse(**options):
        raise OSError("URL fetch failure")

    monkeypatch.setattr(keras.applications, "ResNet50", refuse)
    with pytest.raises(PipelineError, match=r"could not be downloaded; use `train.weights: null`, or the path"):
        build_backbone("imagenet", 32)


def test_extract_builds_a_frozen_backbone_once_for_all_its_workers(workspace, save_images, monkeypatch):
    built = []

    def build(weights, size, seed=0):
        built.append(size)
        images = keras.Input((size, size, 3), dtype="uint8")
        return keras.Model(images, keras.layers.GlobalAveragePooling2D()(keras.ops.cast(images, "float32")))

    workspace({"train.backbone": "frozen", "train.image_size": 32})
    paths = [f"{split}/{name}/{number:03}.png" for split in ("train", "test") for name in "ab" for number in range(100)]
    save_images(Path("data/raw"), paths)
    monkeypatch.setattr(backbone_module, "build_backbone", build)
    monkeypatch.setenv("PIPELINE_WORKERS", "4")
    _load_backbone.cache_clear()
    extract("raw")
    _load_backbone.cache_clear()
    assert built == [32]
    features = read_features("raw", "train")
    for row in (0, 123):
        image = resize_image(read_image(Path("data/raw/train") / features.paths[row]), (32, 32))
        np.testing.assert_allclose(features.inputs[row], image.mean(axis=(0, 1)), rtol=1e-5)
