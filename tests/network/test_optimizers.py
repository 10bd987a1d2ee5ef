"""The optimizers step as Keras' do."""

import numpy as np
import pytest

from stages.network.optimizers import make_optimizer
from stages.network.runtime import keras


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_an_optimizer_steps_as_that_of_keras(tensorflow, name):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(6, 5)).astype(np.float32), rng.normal(size=(8, 6, 5)).astype(np.float32)
    stepped = []
    for make in (make_optimizer, lambda name, rate: keras.optimizers.get(name)):
        variable = keras.Variable(start)
        optimizer = make(name, 0.02)
        optimizer.build([variable])
        optimizer.learning_rate = 0.02
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)])
        stepped.append(variable.numpy())
    np.testing.assert_allclose(*stepped, atol=2e-6)
    assert np.abs(stepped[0] - start).max() > 0.05
