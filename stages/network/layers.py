"""Layers for training on small images: the mathematics of Keras' own, in operations that are fast there."""

import numpy as np

from stages.network.runtime import initializer, keras, tf

# Up to which a convolution is computed as a matrix product: of 1 x 1, as larger images are as fast by convolution; of
# more taps, as on larger images too many are zero.
_MOST_PIXELS, _MOST_PIXELS_OF_TAPS = 64, 4


class Conv2D(keras.layers.Conv2D):
    """A convolution that is computed as a matrix product where that is faster, as on images of a few pixels.

    A kernel of 1 x 1 is a matrix as it is. On at most 2 x 2 pixels, every output pixel sees every input pixel.
    """

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolve; a hook of Keras."""
        kernel = tf.convert_to_tensor(kernel)
        height, width = inputs.shape[1:3]
        if self.kernel_size == (1, 1) and height * width <= _MOST_PIXELS:
            rows, columns = self.strides
            return _multiply_pixels(inputs[:, ::rows, ::columns], tf.reshape(kernel, kernel.shape[2:]))
        if self.padding == "same" and self.strides == (1, 1) and height * width <= _MOST_PIXELS_OF_TAPS:
            return _multiply_images(inputs, kernel)
        return super().convolution_op(inputs, kernel)


def _multiply_pixels(inputs: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    height, width, channels = inputs.shape[1:]
    products = tf.matmul(tf.reshape(inputs, (-1, channels)), matrix)
    return tf.reshape(products, (-1, height, width, matrix.shape[1]))


def _multiply_images(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    height, width, channels = inputs.shape[1:]
    rows, columns, _, filters = kernel.shape
    pixels = height * width
    taps = tf.constant(_taps(height, width, rows, columns), kernel.dtype)
    matrix = tf.reshape(tf.matmul(taps, tf.reshape(kernel, (rows * columns, -1))), (pixels, pixels, channels, filters))
    matrix = tf.reshape(tf.transpose(matrix, (0, 2, 1, 3)), (pixels * channels, pixels * filters))
    products = tf.matmul(tf.reshape(inputs, (-1, pixels * channels)), matrix)
    return tf.reshape(products, (-1, height, width, filters))


def _taps(height: int, width: int, rows: int, columns: int) -> np.ndarray:
    """Return which tap leads from each input pixel to each output pixel, (pixels * pixels, taps) of 0 and 1."""
    top, left = (rows - 1) // 2, (columns - 1) // 2
    taps = np.zeros((height, width, height, width, rows, columns))
    for row, column, out_row, out_column in np.ndindex(height, width, height, width):
        tap = row - out_row + top, column - out_column + left
        if 0 <= tap[0] < rows and 0 <= tap[1] < columns:
            taps[(row, column, out_row, out_column, *tap)] = 1
    return taps.reshape(-1, rows * columns)


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization over the last axis of images by TensorFlow's one operation for it; Keras makes a dozen."""

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: None = None) -> tf.Tensor:
        """Normalize, and move the moving averages in training."""
        if not (training and self.trainable):
            return super().call(inputs, training=False)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        # TensorFlow's variance is the sample's estimate of the population's; Keras', and that of inference, is not.
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance * (count - 1) / count)):
            average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs


def for_training(model: keras.Model, seed: int, momentum: float) -> keras.Model:
    """Return a copy of a model of the same layers that is fast to train, with weights drawn anew."""

    def copy(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if type(layer) is keras.layers.Conv2D:
            return Conv2D(**config | {"kernel_initializer": initializer(seed, layer.name)})
        if type(layer) is keras.layers.BatchNormalization:
            return BatchNormalization(**config | {"momentum": momentum})
        return layer.__class__(**config)

    return keras.models.clone_model(model, clone_function=copy)
