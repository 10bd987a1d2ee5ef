"""Pixels sorted by their position in the block, so that blocks beside each other lie beside each other in memory."""

import math
import threading

import cv2
import numpy as np

_memory = threading.local()


def buffer(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    """Give this thread's working memory, because fresh pages from the system cost as much as the work."""
    size = math.prod(shape)
    if getattr(_memory, name, np.empty(0)).size < size:
        setattr(_memory, name, np.empty(size, dtype))
    return getattr(_memory, name)[:size].reshape(shape)


def to_blocks(image: np.ndarray, size: int) -> np.ndarray:
    """Sort the pixels of an image, shape (height, width, 3), into shape (size * size, 3, blocks).

    What cut-off blocks lack stays undefined.
    """
    (down, lower), (across, right) = (divmod(length, size) for length in image.shape[:2])
    blocks = buffer("blocks", (size, size, 3, down + (lower > 0), across + (right > 0)), np.uint8)
    for rows, y, tall, high in ((image[: down * size], slice(down), down, size), (image[down * size :], -1, 1, lower)):
        for part, x, broad, wide in (
            (rows[:, : across * size], slice(across), across, size),
            (rows[:, across * size :], -1, 1, right),
        ):
            if part.size:
                sorted_part = part.reshape(tall, high, broad, wide, 3).transpose(1, 3, 4, 0, 2)
                target = blocks[:high, :wide, :, y, x]
                target[:] = sorted_part.reshape(target.shape)
    return blocks.reshape(size * size, 3, -1)


def to_image(blocks: np.ndarray, size: int, image: np.ndarray) -> None:
    """Undo `to_blocks`, into `image`."""
    down, across = (-(-length // size) for length in image.shape[:2])
    planes = buffer("planes", (3, down, size, across, size), np.uint8)
    for channel in range(3):
        planes[channel] = blocks[:, channel].reshape(size, size, down, across).transpose(2, 0, 3, 1)
    planes = planes.reshape(3, down * size, across * size)[:, : image.shape[0], : image.shape[1]]
    cv2.merge(list(planes), image)
