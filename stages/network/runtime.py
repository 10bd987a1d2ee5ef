"""Imports Keras and TensorFlow, for all of the network, and sets TensorFlow up.

One thread computes an operation, unless `PIPELINE_OPERATION_THREADS` says otherwise, and several operations run at
once: so a result does not depend on the number of threads, and short training is faster too.
"""

import os
from contextlib import suppress

from stages.core.errors import PipelineError, hold_back_errors
from stages.core.machine import ONEDNN_VARIABLE, onednn, operation_threads, worker_count
from stages.core.seeding import order_key

os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever other projects of the user need
with suppress(PipelineError):  # which `start_tensorflow` raises, as no stage runs yet
    if onednn():
        os.environ[ONEDNN_VARIABLE] = "1"
with hold_back_errors():
    # TensorFlow writes to standard error that it looked for a GPU, whatever its settings.
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2  # noqa: F401


def start_tensorflow(precision: str, *, fast_inference: bool = False) -> None:
    """Make TensorFlow deterministic, whatever the number of threads."""
    onednn()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(operation_threads())
        tf.config.threading.set_inter_op_parallelism_threads(worker_count())
    except RuntimeError:
        pass  # TensorFlow has started in this process already, with these settings
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": fast_inference})
    keras.utils.clear_session()
    keras.config.set_epsilon(1e-7)  # whatever ~/.keras/keras.json says
    keras.config.set_image_data_format("channels_last")
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")


def derived_seed(seed: int, name: str) -> int:
    """Return a seed for one layer: Keras' own come from the module `random`, from which other threads draw too."""
    return int.from_bytes(order_key(seed, name)[:4], "little")


def initializer(seed: int, name: str) -> keras.initializers.Initializer:
    """Return Keras' default initializer, with a seed for one layer."""
    return keras.initializers.GlorotUniform(derived_seed(seed, name))


def accelerator_names() -> list[str]:
    """Return the names of the GPUs that TensorFlow uses."""
    gpus = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
