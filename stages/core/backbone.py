"""Runs a frozen backbone over many images, one batch a worker."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from stages.core.network import build_backbone, start_tensorflow

BATCH = 32
# Random weights serve to measure speed and to test; a fixed seed makes them the same for every data set.
RANDOM_WEIGHTS_SEED = 0


def run_backbone(
    images: Iterable[np.ndarray], *, weights: str | None, image_size: int, precision: str
) -> Iterator[np.ndarray]:
    """Compute the features of images with a frozen ResNet50.

    Parameters
    ----------
    images : iterable of numpy.ndarray
        (image_size, image_size, 3) uint8, RGB.
    weights : str or None
        See `stages.core.network.build_backbone`.
    image_size : int
        Side in pixels.
    precision : str
        ``float32`` or ``bfloat16``.

    Yields
    ------
    numpy.ndarray
        (batch, 2048) float32, in the order of the images.
    """
    start_tensorflow(RANDOM_WEIGHTS_SEED, precision)
    backbone = build_backbone(weights, image_size)
    stream = iter(images)
    while batch := list(itertools.islice(stream, BATCH)):
        yield np.asarray(backbone.predict_on_batch(np.stack(batch)), np.float32)
