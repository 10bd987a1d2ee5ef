"""Runs a frozen backbone over many images: variables folded into constants, one batch a worker."""

import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from stages.core.network import build_backbone, freeze, start_tensorflow
from stages.core.parallel import map_bounded

BATCH = 16
# Random weights serve to measure speed and to test; a fixed seed makes them the same for every data set.
RANDOM_WEIGHTS_SEED = 0


def load_backbone(weights: str | None, image_size: int, precision: str) -> Callable[[np.ndarray], np.ndarray]:
    """Build a frozen ResNet50, which takes seconds.

    Parameters
    ----------
    weights : str or None
        See `stages.core.network.build_backbone`.
    image_size : int
        Side in pixels.
    precision : str
        ``float32``, or ``bfloat16`` for convolutions, which is faster where the processor has it.

    Returns
    -------
    callable
        From (batch, image_size, image_size, 3) uint8 RGB to (batch, 2048) float32.
    """
    start_tensorflow(RANDOM_WEIGHTS_SEED, "float32", fast_inference=precision == "bfloat16")
    return freeze(build_backbone(weights, image_size))


def run_backbone(backbone: Callable[[np.ndarray], np.ndarray], images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Compute the features of images, a batch a worker.

    Parameters
    ----------
    backbone : callable
        Of `load_backbone`.
    images : iterable of numpy.ndarray
        (image_size, image_size, 3) uint8, RGB.

    Yields
    ------
    numpy.ndarray
        (batch, 2048) float32, in the order of the images.
    """
    stream = iter(images)
    yield from map_bounded(
        lambda batch: backbone(np.stack(batch)), iter(lambda: list(itertools.islice(stream, BATCH)), [])
    )
