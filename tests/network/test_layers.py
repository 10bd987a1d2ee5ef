"""The layers compute what Keras' own do: outputs, gradients, and what they remember."""

import numpy as np
import pytest

from stages.network.layers import BatchNormalization, Conv2D
from stages.network.runtime import keras, tf


def run(layer, images):
    """Return the outputs in training, and the gradients of a sum of their sines by all that is trained."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images, training=True)
        loss = tf.reduce_sum(tf.sin(outputs))
    return outputs, tape.gradient(loss, [images, *(variable.value for variable in layer.trainable_variables)])


def assert_alike(ours, theirs, images):
    theirs.build(images.shape)
    ours.build(images.shape)
    ours.set_weights(theirs.get_weights())
    (outputs, gradients), (expected, their_gradients) = run(ours, images), run(theirs, images)
    for value, reference in zip([outputs, *gradients], [expected, *their_gradients], strict=True):
        np.testing.assert_allclose(value, reference, rtol=1e-4, atol=1e-5 + 1e-4 * np.abs(reference).max())
    for value, reference in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(value, reference, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours(images, training=False), theirs(images, training=False), rtol=1e-4, atol=1e-3)


@pytest.fixture
def draw(tensorflow):
    rng = np.random.default_rng(0)
    return lambda *shape: tf.constant(rng.normal(2, 3, shape), tf.float32)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2), (1, 4), (4, 4)])
@pytest.mark.parametrize(("kernel", "strides"), [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2), ((1, 3), 1), (5, 1)])
def test_a_convolution_is_that_of_keras(size, kernel, strides, draw):
    options = {"kernel_size": kernel, "strides": strides, "padding": "same"}
    assert_alike(Conv2D(6, **options), keras.layers.Conv2D(6, **options), draw(5, *size, 3))


@pytest.mark.parametrize("shape", [(2, 1, 1, 4), (7, 3, 2, 4)])
def test_batch_normalization_is_that_of_keras(shape, draw):
    assert_alike(BatchNormalization(momentum=0.9), keras.layers.BatchNormalization(momentum=0.9), draw(*shape))


def test_frozen_batch_normalization_uses_and_keeps_its_averages(draw):
    images, layer = draw(8, 2, 2, 3), BatchNormalization()
    layer(images)
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_allclose(layer(images, training=True), layer(images, training=False))
    for value, expected in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, expected)
