"""Pixelation: every block becomes its mean colour."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from stages.methods.shared.blocks import block_sums, spread_blocks
from stages.methods.shared.method import Method


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


METHOD = Method(pixelation, grid_period=lambda *, block_size: block_size, examples=({"block_size": 6},))
