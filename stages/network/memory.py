"""Says in one line that memory is too small for a batch: beforehand where it is certain, else when it happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from stages.core.errors import PipelineError, line_of
from stages.core.machine import memory_bytes, worker_count
from stages.core.params import TrainParams

# What ResNet50's convolutions and normalizations keep for the gradient, at least: bytes a pixel of input.
_TRAINING_BYTES = {"float32": 1700, "bfloat16": 850}
_BATCH_COPIES = 2  # of a batch of inputs: as an array, and as a tensor
_NETWORK_BYTES = 4 * 4 * 24_000_000  # ResNet50's weights, their gradients and what Adam keeps of them
_PROCESS_BYTES = 600_000_000  # that has imported TensorFlow
_MARGIN = 2  # by which this lower bound is multiplied before networks are trained side by side
_GIB = 2**30


def check_memory(params: TrainParams, inputs: np.ndarray) -> None:
    """Refuse a batch that does not fit into memory: the system would kill the process, and no error would say why."""
    needed, there = _needed_bytes(params, inputs), memory_bytes()
    if needed > there:
        batch, advice = _describe(params)
        raise PipelineError(
            f"{batch} takes more than {needed / _GIB:.0f} GiB of memory, and this machine has {there / _GIB:.0f} GiB; "
            f"{advice}"
        )


def networks_at_once(params: TrainParams, inputs: np.ndarray, networks: int) -> int:
    """Return how many networks to train at the same time: one a worker, as far as memory holds them."""
    each = _PROCESS_BYTES + _needed_bytes(params, inputs)
    return max(1, min(networks, worker_count(), memory_bytes() // _MARGIN // each))


def _needed_bytes(params: TrainParams, inputs: np.ndarray) -> int:
    of_image = _BATCH_COPIES * inputs.nbytes // len(inputs)
    is_whole = params.backbone == "trainable"
    if is_whole and not gpu_count():
        of_image += params.image_size**2 * _TRAINING_BYTES[params.precision]
    return of_image * min(params.batch_size, len(inputs)) + (_NETWORK_BYTES if is_whole else 0)


def gpu_count() -> int:
    """Return how many GPUs TensorFlow uses; it is asked only where there can be any, as it takes seconds to import."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return 0
    from stages.network.runtime import tf

    return len(tf.config.list_physical_devices("GPU"))


@contextmanager
def report_memory_errors(params: TrainParams) -> Iterator[None]:
    """Turn TensorFlow's and NumPy's words for a lack of memory into one line."""
    from stages.network.runtime import tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        batch, advice = _describe(params)
        raise PipelineError(f"memory is too small for {batch}; {advice} ({line_of(error)[:200]})") from None


def _describe(params: TrainParams) -> tuple[str, str]:
    batch = f"`train.batch_size` {params.batch_size}"
    if params.backbone == "frozen":  # the size of its features does not depend on that of images
        return batch, "lower it"
    return f"{batch} at `train.image_size` {params.image_size}", "lower one of the two"
