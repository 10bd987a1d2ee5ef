"""Says in one line that memory is too small for a batch: beforehand where it is certain, else when it happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from stages.core.errors import PipelineError
from stages.core.machine import memory_bytes
from stages.core.network import tf
from stages.core.params import TrainParams

# What ResNet50's convolutions and normalizations keep for the gradient, at least: bytes a pixel of input.
_TRAINING_BYTES = {"float32": 1700, "bfloat16": 850}
_GIB = 2**30


def check_memory(params: TrainParams, images: int) -> None:
    """Refuse a batch that this machine's memory cannot hold; a processor's training would be killed without a word.

    Parameters
    ----------
    params : TrainParams
        Batch and image size.
    images : int
        How many training images there are; a batch is not larger.

    Raises
    ------
    PipelineError
        If the whole network is trained, without a GPU, and a batch takes more than all memory.
    """
    if params.backbone == "frozen" or tf.config.list_physical_devices("GPU"):
        return
    needed = min(params.batch_size, images) * params.image_size**2 * _TRAINING_BYTES[params.precision]
    there = memory_bytes()
    if needed > there:
        raise PipelineError(
            f"{_describe(params)} takes more than {needed / _GIB:.0f} GiB of memory, and this machine has "
            f"{there / _GIB:.0f} GiB; lower one of the two"
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
        raise PipelineError(
            f"memory is too small for {_describe(params)}; lower one of the two ({reason or 'out of memory'})"
        ) from None


def _describe(params: TrainParams) -> str:
    return f"`train.batch_size` {params.batch_size} at `train.image_size` {params.image_size}"
