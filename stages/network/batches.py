"""Makes batches out of stored inputs, without a copy of them in memory."""

import math

import numpy as np

from stages.core.seeding import generator
from stages.network.runtime import tf

# Batches that are read ahead while the network works on another.
READ_AHEAD = 2


def batches(
    inputs: np.ndarray,
    labels: np.ndarray,
    rows: np.ndarray,
    batch_size: int,
    seed: int | None = None,
    epochs: range = range(1),
) -> tf.data.Dataset:
    """Make batches out of an array that may be larger than memory.

    Parameters
    ----------
    inputs : numpy.ndarray
        (images, ...), best mapped from disk: the system keeps in memory what fits, and TensorFlow never holds more than
        a few batches. A tensor of all inputs would be copied four times before the first step.
    labels : numpy.ndarray
        (images,) int.
    rows : numpy.ndarray
        (rows,) int, which images to take.
    batch_size : int
        Images a batch.
    seed : int or None, default=None
        Seed of another order in every epoch; None keeps the order of `rows`.
    epochs : range, default=range(1)
        Which epochs to go through; an epoch's order depends on the seed and its number alone.

    Returns
    -------
    tf.data.Dataset
        Pairs of inputs and labels.
    """
    if seed is None:
        order = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)
    else:
        order = _shuffled_batches(rows, batch_size, seed, epochs)

    def read(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        taken, classes = tf.numpy_function(
            lambda index: (inputs[index], labels[index]), [chosen], (inputs.dtype, labels.dtype)
        )
        return tf.ensure_shape(taken, (None, *inputs.shape[1:])), tf.ensure_shape(classes, (None,))

    return order.map(read).prefetch(READ_AHEAD)


def _shuffled_batches(rows: np.ndarray, batch_size: int, seed: int, epochs: range) -> tf.data.Dataset:
    def shuffle(number: np.ndarray) -> np.ndarray:
        return generator(seed, f"epoch {number}").permutation(rows)

    def batch(epoch: tf.Tensor) -> tf.data.Dataset:
        shuffled = tf.ensure_shape(tf.numpy_function(shuffle, [epoch], rows.dtype), rows.shape)
        return tf.data.Dataset.from_tensor_slices(shuffled).batch(batch_size)

    order = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(batch)
    return order.apply(tf.data.experimental.assert_cardinality(len(epochs) * math.ceil(len(rows) / batch_size)))
