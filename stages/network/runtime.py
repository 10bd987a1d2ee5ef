"""Imports Keras and TensorFlow, for all of the network, and sets TensorFlow up.

One thread computes an operation, unless `PIPELINE_OPERATION_THREADS` says otherwise, and several operations run at
once: so a result does not depend on the number of threads, and short training is faster too.
"""

import random

from stages.core.errors import PipelineError, hold_back_errors
from stages.core.parallel import operation_threads, worker_count

with hold_back_errors():
    # TensorFlow writes to standard error that it looked for a GPU, whatever its settings.
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2  # noqa: F401


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
        tf.config.threading.set_intra_op_parallelism_threads(operation_threads())
        tf.config.threading.set_inter_op_parallelism_threads(worker_count())
    except RuntimeError:
        pass  # TensorFlow has started in this process already, with these settings
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": fast_inference})
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    # Keras draws all its seeds with it. Threads of other libraries use the generator of the module itself, as those of
    # a worker of a cluster do, and would change what comes next.
    random.randint = random.Random(seed).randint
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")


def devices() -> list[str]:
    """Return the GPUs that networks are trained on, in TensorFlow's words; none where processors do the work."""
    return [f"GPU:{number}" for number in range(len(tf.config.list_physical_devices("GPU")))]


def device_groups(replicas: int) -> list[list[str]]:
    """Share the GPUs out to networks that are trained at the same time.

    Parameters
    ----------
    replicas : int
        How many GPUs train one network.

    Returns
    -------
    list of list of str
        As many groups of so many GPUs as there are; none on a machine without a GPU.

    Raises
    ------
    PipelineError
        If there are fewer GPUs than a network needs.
    """
    there = devices()
    if replicas > max(1, len(there)):
        raise PipelineError(
            f"`train.replicas` must be at most the number of GPUs, {len(there)} on this machine, or 1; "
            f"received: {replicas}"
        )
    return [there[start : start + replicas] for start in range(0, len(there) - replicas + 1, replicas)]


def accelerator_names() -> list[str]:
    """Return the names of the GPUs that TensorFlow uses."""
    gpus = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
