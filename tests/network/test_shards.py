"""Weights of TensorFlow.js: arrays come back by name, and a folder that is not whole is refused."""

import hashlib
import json

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.params import load_params
from stages.network.backbone import build_backbone
from stages.network.runtime import keras
from stages.network.shards import PUBLISHED, read_shards
from stages.network.weights import weights_key

SHAPES = {"first/kernel": (1, 1, 3, 4), "first/bias": (4,), "fc/kernel": (4, 9)}


@pytest.fixture
def folder(tmp_path):
    """A folder of TensorFlow.js as its converter makes it."""
    rng = np.random.default_rng(0)
    content = b"".join(rng.normal(size=shape).astype("<f4").tobytes() for shape in SHAPES.values())
    names = [f"group1-shard{number}of3.bin" for number in (1, 2, 3)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(content[number * 80 : (number + 1) * 80])
    weights = [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in SHAPES.items()]
    (tmp_path / "model.json").write_text(json.dumps({"weightsManifest": [{"paths": names, "weights": weights}]}))
    return tmp_path


@pytest.fixture
def resnet(monkeypatch):
    """A network of one layer in ResNet50's place."""
    images = keras.Input((32, 32, 3))
    model = keras.Model(images, keras.layers.Conv2D(4, 1, name="first")(images))
    monkeypatch.setattr(keras.applications, "ResNet50", lambda **options: model)
    return model


def test_arrays_of_shards_become_the_weights_of_their_names(folder, resnet):
    drawn = np.random.default_rng(0)
    expected = [drawn.normal(size=shape).astype(np.float32) for shape in SHAPES.values()]
    for array, value in zip(read_shards(folder).values(), expected, strict=True):
        np.testing.assert_array_equal(array, value)
    loaded = build_backbone(str(folder), 32)
    for value, weights in zip(expected[:2], loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, value)


CHANGES = {
    "another layer": ('"first/bias"', '"second/bias"'),
    "another shape": ("[1, 1, 3, 4]", "[1, 1, 4, 3]"),
    "another type": ("float32", "uint8"),
    "another folder": ("group1-shard1of3.bin", "../group1-shard1of3.bin"),
    "a shard that is not there": ("group1-shard3of3.bin", "group1-shard4of3.bin"),
    "not all shards": (', "group1-shard3of3.bin"', ""),
    "more than the arrays": ('"fc/kernel", "shape": [4, 9]', '"fc/kernel", "shape": [4, 8]'),
    "no manifest": ("weightsManifest", "weights"),
    "no JSON": ("{", ""),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_a_folder_that_is_not_whole_or_of_another_network_is_refused(folder, resnet, old, new):
    file = folder / "model.json"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(PipelineError, match="`train.weights` must be ResNet50's"):
        build_backbone(str(folder), 32)


def test_arrays_must_be_those_that_were_published_with_their_model(folder, monkeypatch):
    content = b"".join(file.read_bytes() for file in sorted(folder.glob("*.bin")))
    model = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    monkeypatch.setitem(PUBLISHED, model, hashlib.sha256(content).hexdigest())
    assert len(read_shards(folder)) == 3
    shard = folder / "group1-shard2of3.bin"
    shard.write_bytes(bytes([shard.read_bytes()[0] ^ 1]) + shard.read_bytes()[1:])
    with pytest.raises(ValueError, match="published"):
        read_shards(folder)


def test_params_may_name_a_folder_whose_key_depends_on_each_shard(folder, workspace):
    workspace({"train.weights": str(folder)})
    weights = load_params().train.weights
    (folder / "assets").mkdir()
    before = weights_key(weights)
    (folder / "group1-shard2of3.bin").write_bytes(b"")
    assert len({before, weights_key(weights), weights_key(None)}) == 3
