"""The optimizers step as Keras' do."""

import numpy as np
import pytest

from stages.network.optimizers import OPTIMIZERS
from stages.network.runtime import keras, start_tensorflow, tf


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_steps_as_that_of_keras(name):
    start_tensorflow(0, "float32")
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(6, 5)).astype(np.float32), rng.normal(size=(8, 6, 5)).astype(np.float32)
    theirs, ours = keras.Variable(start), tf.Variable(start)
    reference = keras.optimizers.get({"class_name": name, "config": {"learning_rate": 0.02}})
    reference.build([theirs])
    slot_count, update = OPTIMIZERS[name]
    slots = [tf.Variable(tf.zeros(start.shape)) for _ in range(slot_count)]
    for number, gradient in enumerate(gradients, 1):
        reference.apply([tf.constant(gradient)])
        update(ours, slots, tf.constant(gradient), tf.constant(number, tf.float32), tf.constant(0.02))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=2e-6)
    assert np.abs(ours.numpy() - start).max() > 0.05
