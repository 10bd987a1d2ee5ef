"""Remove: a region is filled from its surroundings, as if nobody were there."""

from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge, Le

from stages.methods.shared.method import Method


def remove(image: np.ndarray, *, hole: np.ndarray, radius: Annotated[int, Ge(1), Le(100)]) -> np.ndarray:
    """Fill a hole in an image from what is around it, by Telea's fast marching.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image; its pixels in the hole do not matter.
    hole : ndarray of bool, shape (height, width)
        What is to be filled.
    radius : int
        How far around a pixel others are looked at to fill it, in pixels, 1 to 100.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Equal to `image` outside the hole. Grey where all of it is hole.

    References
    ----------
    .. [1] A. Telea, "An image inpainting technique based on the fast marching method", Journal of Graphics Tools 9(1),
       2004.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((3, 5, 3), 90, np.uint8)
    >>> image[1, 2] = 255
    >>> remove(image, hole=image[..., 0] == 255, radius=2)[1, :, 0]
    array([90, 90, 90, 90, 90], dtype=uint8)
    """
    if hole.all():
        return np.full_like(image, 127)
    return cv2.inpaint(image, hole.astype(np.uint8), radius, cv2.INPAINT_TELEA)


METHOD = Method(remove, examples=({"radius": 3},))
