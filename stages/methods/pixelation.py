"""Pixelation: every block becomes its mean colour."""

from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge, Le

EXAMPLES = ({"block_size": 6},)


def pixelation(image: np.ndarray, *, block_size: Annotated[int, Ge(1), Le(10_000)]) -> np.ndarray:
    """Replace each block of an image by its mean colour.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image.
    block_size : int
        Side of the blocks in pixels, 1 to 10,000. Blocks start at the top left corner; those cut off at the right and
        the bottom have the mean of the pixels that they have.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The pixelated image.

    References
    ----------
    .. [1] S. Hill, Z. Zhou, L. Saul, H. Shacham, "On the (in)effectiveness of mosaicing and blurring as tools for
       document redaction", Proceedings on Privacy Enhancing Technologies 2016(4).

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(5, dtype=np.uint8).repeat(3).reshape(1, 5, 3) * 10
    >>> pixelation(image, block_size=2)[0, :, 0]
    array([ 5,  5, 25, 25, 40], dtype=uint8)
    """
    sums, counts = block_sums(image, block_size)
    return spread_blocks(np.floor(sums / counts + 0.5).astype(np.uint8), block_size, image.shape)


def grid_period(*, block_size: int) -> int:
    """Return after how many pixels the grid of blocks repeats, for attackers who know the method."""
    return block_size


def block_sums(image: np.ndarray, block_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Add up the pixels of every block.

    Returns
    -------
    sums : ndarray of float64, shape (rows, columns, 3)
        Per channel.
    counts : ndarray of int, shape (rows, columns, 1)
        How many pixels the block has.
    """
    height, width = image.shape[:2]
    down, across = np.arange(0, height, block_size), np.arange(0, width, block_size)
    columns = np.add.reduceat(image, down, axis=0, dtype=np.uint32)  # 10,000 pixels of 255 fit
    sums = np.add.reduceat(columns, across, axis=1, dtype=np.uint64).astype(float)
    counts = np.outer(np.diff(down, append=height), np.diff(across, append=width))
    return sums, counts[:, :, None]


def spread_blocks(colours: np.ndarray, block_size: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return an image with one colour per block."""
    rows, columns = colours.shape[:2]
    if rows == columns == 1:  # a single block may be far larger than the image
        return np.broadcast_to(colours, shape).copy()
    large = cv2.resize(colours, (columns * block_size, rows * block_size), interpolation=cv2.INTER_NEAREST)
    return large[: shape[0], : shape[1]].copy()
