"""What `fit` is made of."""

import numpy as np
import pytest

from stages.core.features import Features
from stages.core.network import keras, start_tensorflow
from stages.core.params import load_params
from stages.core.training import FusedAdam, fit, make_optimizer


def fitted(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """Fit a small network for a few steps with an optimizer."""
    start_tensorflow(3, "float32")
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3)])
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    model.fit(rng.random((64, 6)), rng.random((64, 3)), batch_size=8, epochs=3, verbose=0, shuffle=False)
    return model.get_weights()


def test_fused_adam_is_adam():
    ours, theirs = fitted(FusedAdam(0.01)), fitted(keras.optimizers.Adam(0.01))
    other = fitted(FusedAdam(0.02))
    for mine, its, changed in zip(ours, theirs, other, strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-5)
        assert np.abs(changed - its).max() > 1e-3


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_an_optimizer_has_the_name_and_the_learning_rate_of_the_params(workspace, name):
    workspace({"train.optimizer": name, "train.learning_rate": 0.25})
    optimizer = make_optimizer(load_params().train)
    assert type(optimizer).__name__.lower().removeprefix("fused") == name
    assert float(optimizer.learning_rate) == 0.25


def test_from_images_that_are_all_alike_a_network_learns_how_common_the_classes_are(workspace, tmp_path):
    workspace({"train.epochs": 20, "train.batch_size": 8, "train.learning_rate": 0.01, "train.validation_fraction": 0})
    labels = np.array([0] * 24 + [1] * 8)
    inputs = np.full((32, 32, 32, 3), 128, np.uint8)
    features = Features(inputs, labels, ["a", "b"], [f"{'ab'[label]}/{i}.png" for i, label in enumerate(labels)])
    model, history = fit(features, load_params().train, 0, "mask", tmp_path / "state.npz")
    assert np.isfinite(history["loss"]).all()
    assert model.predict(inputs[:1], verbose=0).argmax() == 0
