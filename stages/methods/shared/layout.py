"""Sorts pixels by their position in the block, so that those of neighbouring blocks are neighbours in memory."""

import math
import threading

import cv2
import numpy as np

_memory = threading.local()


def buffer(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    """Return memory that this thread reuses, because fresh pages from the system cost as much time as the work."""
    size = math.prod(shape)
    memory = getattr(_memory, name, None)
    if memory is None or memory.size < size:
        memory = np.empty(size, dtype)
        setattr(_memory, name, memory)
    return memory[:size].reshape(shape)


def to_blocks(image: np.ndarray, size: int) -> np.ndarray:
    """Sort the pixels of an image, shape (height, width, 3), into shape (size * size, 3, blocks).

    Pixels that cut-off blocks lack stay undefined.
    """
    height, width = image.shape[:2]
    down, across = -(-height // size), -(-width // size)
    whole = buffer("whole", (down * size, across * size, 3), np.uint8)
    whole[:height, :width] = image
    rows = whole.reshape(down, size, across * size * 3)
    blocks = buffer("blocks", (size, size * 3, down * across), np.uint8)
    for y in range(size):  # a row of all blocks at a time: OpenCV transposes far quicker than NumPy
        cv2.transpose(rows[:, y].reshape(down * across, size * 3), blocks[y])
    return blocks.reshape(size * size, 3, down * across)


def to_image(blocks: np.ndarray, size: int, image: np.ndarray) -> None:
    """Undo `to_blocks`, into `image`."""
    height, width = image.shape[:2]
    down, across = -(-height // size), -(-width // size)
    whole = buffer("whole", (down * size, across * size, 3), np.uint8)
    rows = whole.reshape(down, size, across * size * 3)
    for y, row in enumerate(blocks.reshape(size, size * 3, down * across)):
        rows[:, y] = cv2.transpose(row).reshape(down, across * size * 3)
    image[:] = whole[:height, :width]
