"""Mask: nothing of the image is left."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from stages.methods.shared.method import Method


def mask(image: np.ndarray, *, value: Annotated[int, Ge(0), Le(255)]) -> np.ndarray:
    """Replace an image by constant grey: the floor that other methods are measured against.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image; only its shape matters.
    value : int
        Grey level of every pixel and channel, 0 to 255.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The grey image.

    Examples
    --------
    >>> import numpy as np
    >>> mask(np.zeros((1, 1, 3), np.uint8), value=128)
    array([[[128, 128, 128]]], dtype=uint8)
    """
    return np.full_like(image, value)


METHOD = Method(mask, examples=({"value": 90},))
