"""Says in one line that memory is too small for a batch: beforehand where it is certain, else when it happens."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from stages.core.errors import PipelineError
from stages.core.machine import memory_bytes
from stages.core.params import TrainParams
from stages.network.runtime import tf

# What ResNet50's convolutions and normalizations keep for the gradient, at least: bytes a pixel of input.
_TRAINING_BYTES = {"float32": 1700, "bfloat16": 850}
# One batch is read while the network works on another.
_BATCHES_HELD = 2
_GIB = 2**30


def check_memory(params: TrainParams, inputs: np.ndarray) -> None:
    """Refuse a batch that this machine's memory cannot hold: the system would kill the process without a word.

    The inputs as a whole need no memory, as each batch is read from disk.

    Parameters
    ----------
    params : TrainParams
        Batch and image size.
    inputs : numpy.ndarray
        (images, ...), of training; a batch is not larger.

    Raises
    ------
    PipelineError
        If a batch takes more than all memory: its inputs and, where the whole network is trained without a GPU, what
        the layers keep for the gradient.
    """
    needed = _BATCHES_HELD * inputs.nbytes // len(inputs)
    if params.backbone == "trainable" and not tf.config.list_physical_devices("GPU"):
        needed += params.image_size**2 * _TRAINING_BYTES[params.precision]
    needed *= min(params.batch_size, len(inputs))
    there = memory_bytes()
    if needed > there:
        batch, advice = _describe(params)
        raise PipelineError(
            f"{batch} takes more than {needed / _GIB:.0f} GiB of memory, and this machine has {there / _GIB:.0f} GiB; "
            f"{advice}"
        )


@contextmanager
def report_memory_errors(params: TrainParams) -> Iterator[None]:
    """Turn TensorFlow's and NumPy's words for a lack of memory into one line.

    Parameters
    ----------
    params : TrainParams
        Batch and image size.

    Raises
    ------
    PipelineError
        If the block ran out of memory.
    """
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        reason = str(error).strip().split("\n", 1)[0][:200]
        batch, advice = _describe(params)
        raise PipelineError(f"memory is too small for {batch}; {advice} ({reason or 'out of memory'})") from None


def _describe(params: TrainParams) -> tuple[str, str]:
    batch = f"`train.batch_size` {params.batch_size}"
    if params.backbone == "frozen":
        return batch, "lower it"
    return f"{batch} at `train.image_size` {params.image_size}", "lower one of the two"
