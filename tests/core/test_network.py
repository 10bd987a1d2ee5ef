"""The network: its weights, its inputs, and its errors."""

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.network import (
    BATCH_NORMALIZATION_MOMENTUM,
    batches,
    build_backbone,
    build_classifier,
    keras,
    predict,
    start_tensorflow,
)
from stages.core.params import load_params
from tests.clones import ROOT


@pytest.fixture(scope="module")
def backbone():
    start_tensorflow(0, "float32")
    return build_backbone(None, 32)


def train_params(**changes):
    return load_params(ROOT / "params.yaml").train.model_copy(update=changes)


def rows_of(dataset):
    return np.concatenate([np.asarray(inputs) for inputs, _ in dataset])


def test_the_backbone_turns_images_into_features(backbone):
    assert backbone.input_shape == (None, 32, 32, 3)
    assert backbone.output_shape == (None, 2048)


def test_batch_normalization_settles_within_a_short_training(backbone):
    resnet = next(layer for layer in backbone.layers if isinstance(layer, keras.Model))
    momenta = {layer.momentum for layer in resnet.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert momenta == {BATCH_NORMALIZATION_MOMENTUM}


def test_weights_from_a_file_are_used(tmp_path):
    start_tensorflow(1, "float32")
    resnet = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
    resnet.save_weights(tmp_path / "resnet.weights.h5")
    start_tensorflow(2, "float32")
    loaded = build_backbone(str(tmp_path / "resnet.weights.h5"), 32)
    for expected, value in zip(resnet.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, value)


def test_a_file_of_other_weights_is_refused(tmp_path):
    start_tensorflow(0, "float32")
    inputs = keras.Input((3,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(PipelineError, match="`train.weights` must be a file of ResNet50 weights"):
        build_backbone(str(tmp_path / "other.weights.h5"), 32)


def test_imagenet_weights_without_a_network_name_the_two_ways_out(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("URL fetch failure")

    monkeypatch.setattr(keras.src.applications.resnet.file_utils, "get_file", refuse)
    with pytest.raises(PipelineError, match=r"could not be downloaded; use `train.weights: null`, or the path"):
        build_backbone("imagenet", 32)


def test_a_frozen_backbone_leaves_only_the_head_to_train():
    params = train_params(backbone="frozen", head=[16, 0.5, 8])
    kinds = [type(layer).__name__ for layer in build_classifier(params, 3).layers]
    assert kinds == ["InputLayer", "Dense", "Dropout", "Dense", "Dense"]


@pytest.mark.parametrize("share", [1e-9, 1e12], ids=["in memory", "from disk"])
def test_batches_are_the_same_from_memory_and_from_disk(monkeypatch, share, tmp_path):
    np.save(tmp_path / "inputs.npy", np.arange(40, dtype=np.uint8).reshape(10, 4))
    inputs = np.load(tmp_path / "inputs.npy", mmap_mode="r")
    start_tensorflow(0, "float32")
    monkeypatch.setattr("stages.core.network.MEMORY_SHARE", share)
    data = batches(inputs, np.arange(10), np.arange(2, 9), 3, seed=5, epochs=range(2))
    first, second = np.split(rows_of(data), 2)
    assert sorted(first[:, 0].tolist()) == list(range(8, 36, 4))
    assert first.tolist() != second.tolist()
    start_tensorflow(0, "float32")
    monkeypatch.setattr("stages.core.network.MEMORY_SHARE", 1e-9)
    again = batches(inputs, np.arange(10), np.arange(2, 9), 3, seed=5, epochs=range(1, 2))
    assert rows_of(again).tolist() == second.tolist()


def test_predictions_keep_the_order_of_the_inputs():
    start_tensorflow(0, "float32")
    model = build_classifier(train_params(backbone="frozen", head=[]), 2)
    inputs = np.random.default_rng(0).normal(size=(250, 2048)).astype(np.float32)
    np.testing.assert_allclose(predict(model, inputs)[137], predict(model, inputs[137:138])[0], rtol=1e-4)
