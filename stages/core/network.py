"""Builds and runs the network: ResNet50 with a head, on images or on stored backbone features.

The only room besides `train` and `evaluate` that imports Keras. One thread computes an operation and several
operations run at once: so a result does not depend on the number of threads, and short training is faster too.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stages.core.errors import PipelineError, hold_back_errors
from stages.core.machine import memory_bytes
from stages.core.parallel import worker_count
from stages.core.params import TrainParams
from stages.core.seeding import generator

with hold_back_errors():
    # TensorFlow notes, on standard error and past all its settings, that it looked for a GPU.
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

# Keras' default of 0.99 needs hundreds of steps to settle; short training would evaluate with stale statistics.
BATCH_NORMALIZATION_MOMENTUM = 0.9
PREDICTION_BATCH = 100
# An array of up to one part in so many of the memory is read into it, a larger one batch by batch.
MEMORY_SHARE = 4
MODELS = Path("data/models")
ENVIRONMENT = "environment.json"  # beside a data set's weights: what they were trained with


def weights_file(seed: int) -> str:
    """Return the name of the weights of one seed's network, below the data set's folder of `MODELS`."""
    return f"seed_{seed}.weights.h5"


def start_tensorflow(seed: int, precision: str, *, fast_inference: bool = False) -> None:
    """Make TensorFlow deterministic, whatever the number of threads.

    Parameters
    ----------
    seed : int
        Seed of the initial weights, of dropout and of all else that Keras draws.
    precision : str
        ``float32`` or ``bfloat16`` (mixed: variables stay float32).
    fast_inference : bool, default=False
        Let convolutions of float32 graphs run in bfloat16.
    """
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(worker_count())
    except RuntimeError:
        pass  # TensorFlow has started in this process already, with these settings
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": fast_inference})
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")


def build_backbone(weights: str | None, image_size: int) -> keras.Model:
    """Build ResNet50 without its top, from uint8 images to one feature vector each.

    Parameters
    ----------
    weights : str or None
        None for random weights, ``imagenet``, or the path of a weights file.
    image_size : int
        Side of the input in pixels.

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
    for layer in resnet.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORMALIZATION_MOMENTUM
    images = keras.Input((image_size, image_size, 3), dtype="uint8")
    inputs = keras.applications.resnet50.preprocess_input(keras.ops.cast(images, "float32"))
    return keras.Model(images, resnet(inputs))


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


def build_classifier(params: TrainParams, class_count: int) -> keras.Model:
    """Build the network that `train` fits: the whole one, or the head alone if the backbone is frozen.

    Parameters
    ----------
    params : TrainParams
        Weights, backbone and head.
    class_count : int
        How many classes.

    Returns
    -------
    keras.Model
        From what `extract` wrote, uint8 images or float32 features, to (batch, class_count) probabilities.
    """
    if params.backbone == "frozen":
        inputs = keras.Input((2048,))
        hidden = inputs
    else:
        backbone = build_backbone(params.weights, params.image_size)
        inputs, hidden = backbone.input, backbone.output
    for entry in params.head:
        layer = keras.layers.Dropout(entry) if entry < 1 else keras.layers.Dense(int(entry), activation="relu")
        hidden = layer(hidden)
    outputs = keras.layers.Dense(class_count, activation="softmax", dtype="float32")(hidden)
    return keras.Model(inputs, outputs)


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
        (images, ...), possibly mapped from disk; read into memory if it takes at most a quarter of it.
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
        Pairs of inputs and labels, the same with either way of reading.
    """
    if seed is None:
        order = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)
    else:
        order = _shuffled_batches(rows, batch_size, seed, epochs)
    if inputs.nbytes * MEMORY_SHARE <= memory_bytes():
        table = tf.constant(inputs)
        return order.map(lambda chosen: (tf.gather(table, chosen), tf.gather(labels, chosen)))

    def read(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        taken = tf.numpy_function(lambda index: inputs[index], [chosen], inputs.dtype)
        taken.set_shape((None, *inputs.shape[1:]))
        return taken, tf.gather(labels, chosen)

    return order.map(read).prefetch(2)


def _shuffled_batches(rows: np.ndarray, batch_size: int, seed: int, epochs: range) -> tf.data.Dataset:
    def shuffle(number: np.ndarray) -> np.ndarray:
        return generator(seed, f"epoch {number}").permutation(rows)

    def batch(epoch: tf.Tensor) -> tf.data.Dataset:
        shuffled = tf.ensure_shape(tf.numpy_function(shuffle, [epoch], rows.dtype), rows.shape)
        return tf.data.Dataset.from_tensor_slices(shuffled).batch(batch_size)

    order = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(batch)
    return order.apply(tf.data.experimental.assert_cardinality(len(epochs) * math.ceil(len(rows) / batch_size)))


def predict(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """Return the class probabilities of all inputs, (images, classes) float32."""
    rows = np.arange(len(inputs))
    return model.predict(batches(inputs, rows, rows, PREDICTION_BATCH), verbose=0)


def accelerator_names() -> list[str]:
    """Return the names of the GPUs that TensorFlow uses."""
    gpus = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
