"""Builds ResNet50 without its top, and runs a frozen one over images."""

import itertools
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np

from stages.core.errors import PipelineError
from stages.network.layers import for_training
from stages.network.runtime import convert_variables_to_constants_v2, keras, start_tensorflow, tf

# Keras' default of 0.99 needs hundreds of steps to settle; short training would evaluate with stale statistics.
BATCH_NORMALIZATION_MOMENTUM = 0.9
BATCH = 16


def build_backbone(weights: str | None, image_size: int, seed: int = 0) -> keras.Model:
    """Build ResNet50 without its top, from uint8 images to one feature vector each.

    Parameters
    ----------
    weights : str or None
        None for random weights, ``imagenet``, or the path of a weights file.
    image_size : int
        Side of the input in pixels.
    seed : int, default=0
        Of random weights.

    Returns
    -------
    keras.Model
        (batch, image_size, image_size, 3) uint8 RGB to (batch, 2048).

    Raises
    ------
    PipelineError
        If the weights cannot be downloaded, or those of the file do not fit.

    References
    ----------
    He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition. CVPR 2016.
    """
    try:
        resnet = keras.applications.ResNet50(
            include_top=False, weights=weights, input_shape=(image_size, image_size, 3), pooling="avg"
        )
    except Exception as error:
        if weights is None:
            raise
        if weights == "imagenet":
            raise PipelineError(
                "`train.weights` imagenet could not be downloaded; use `train.weights: null`, or the path of a "
                f"weights file fetched elsewhere ({_first_line(error)})"
            ) from None
        raise PipelineError(
            f"`train.weights` must be a file of ResNet50 weights without top; received: {weights} "
            f"({_first_line(error)})"
        ) from None
    fast = for_training(resnet, seed, BATCH_NORMALIZATION_MOMENTUM)
    if weights is not None:
        fast.set_weights(resnet.get_weights())
    images = keras.Input((image_size, image_size, 3), dtype="uint8")
    inputs = keras.applications.resnet50.preprocess_input(keras.ops.cast(images, "float32"))
    return keras.Model(images, fast(inputs))


def freeze(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Turn a model into a function for inference alone, with its variables as constants.

    Parameters
    ----------
    model : keras.Model
        Of one input and one output.

    Returns
    -------
    callable
        From a batch to float32 outputs; may be called from several threads at once.
    """
    shape, dtype = model.inputs[0].shape, model.inputs[0].dtype
    traced = tf.function(lambda batch: model(batch, training=False), input_signature=[tf.TensorSpec(shape, dtype)])
    constant = convert_variables_to_constants_v2(traced.get_concrete_function())
    return lambda batch: constant(tf.constant(batch))[0].numpy().astype(np.float32)


@lru_cache(1)
def load_backbone(weights: str | None, image_size: int, precision: str) -> Callable[[np.ndarray], np.ndarray]:
    """Build a frozen ResNet50, which takes seconds; the last one is kept.

    Parameters
    ----------
    weights : str or None
        See `build_backbone`.
    image_size : int
        Side in pixels.
    precision : str
        ``float32``, or ``bfloat16`` for convolutions, which is faster where the processor has it.

    Returns
    -------
    callable
        From (batch, image_size, image_size, 3) uint8 RGB to (batch, 2048) float32.
    """
    start_tensorflow("float32", fast_inference=precision == "bfloat16")
    return freeze(build_backbone(weights, image_size))


def run_backbone(backbone: Callable[[np.ndarray], np.ndarray], images: Iterable[np.ndarray]) -> np.ndarray:
    """Compute the features of images, batch by batch.

    Parameters
    ----------
    backbone : callable
        Of `load_backbone`.
    images : iterable of numpy.ndarray
        (image_size, image_size, 3) uint8, RGB; one or more.

    Returns
    -------
    numpy.ndarray
        (images, 2048) float32, in the order of the images.
    """
    stream = iter(images)
    batches = iter(lambda: list(itertools.islice(stream, BATCH)), [])
    return np.concatenate([backbone(np.stack(batch)) for batch in batches])


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
