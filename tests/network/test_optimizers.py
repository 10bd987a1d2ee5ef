import numpy as np
import pytest

from stages.core.params import load_params
from stages.network.optimizers import make_optimizer
from stages.network.runtime import keras, start_tensorflow
from tests.clones import ROOT


def fitted(optimizer: keras.optimizers.Optimizer) -> np.ndarray:
    """Fit a small network for a few steps, and return its first weights."""
    start_tensorflow(3, "float32")
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3)])
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    model.fit(rng.random((64, 6)), rng.random((64, 3)), batch_size=8, epochs=3, verbose=0, shuffle=False)
    return model.get_weights()[0]


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "RMSprop"])
def test_an_optimizer_steps_as_that_of_keras(name):
    changes = {"optimizer": name.lower(), "learning_rate": 0.02}
    ours = fitted(make_optimizer(load_params(ROOT / "params.yaml").train.model_copy(update=changes)))
    plain = getattr(keras.optimizers, name)
    np.testing.assert_allclose(ours, fitted(plain(0.02)), atol=1e-5)
    assert np.abs(ours - fitted(plain(0.01))).max() > 1e-3
