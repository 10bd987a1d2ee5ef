"""Sums over the blocks of a grid, and images of one colour a block."""

import numpy as np


def block_sums(image: np.ndarray, block_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of every block, (rows, columns, 3) float64, and how many pixels it has, (rows, columns, 1)."""
    height, width = image.shape[:2]
    down, across = np.arange(0, height, block_size), np.arange(0, width, block_size)
    columns = np.add.reduceat(image, down, axis=0, dtype=np.uint32)  # 10,000 pixels of 255 fit
    sums = np.add.reduceat(columns, across, axis=1, dtype=np.uint64).astype(float)
    counts = np.outer(np.diff(down, append=height), np.diff(across, append=width))
    return sums, counts[:, :, None]


def spread_blocks(colours: np.ndarray, block_size: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return an image with one colour per block."""
    rows, columns = (np.arange(side) // block_size for side in shape[:2])
    return colours.take(columns, axis=1).take(rows, axis=0)
