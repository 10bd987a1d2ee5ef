"""Remove: a region is filled from its surroundings, as if nobody were there."""

import cv2
import numpy as np

from stages.methods.shared.method import Method


def remove(image: np.ndarray, *, hole: np.ndarray) -> np.ndarray:
    """Fill a hole in an image from what is around it, smoothly: push and pull of a pyramid of averages.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image; its pixels in the hole do not matter.
    hole : ndarray of bool, shape (height, width)
        What is to be filled.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Equal to `image` outside the hole. Grey where all of it is hole.

    References
    ----------
    .. [1] S. Gortler, R. Grzeszczuk, R. Szeliski, M. Cohen, "The Lumigraph", SIGGRAPH 1996, section 3.6.2.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((3, 5, 3), 90, np.uint8)
    >>> image[1, 2] = 255
    >>> remove(image, hole=image[..., 0] == 255)[1, :, 0]
    array([90, 90, 90, 90, 90], dtype=uint8)
    """
    if hole.all():
        return np.full_like(image, 127)
    filled = _fill(np.where(hole[..., None], np.float32(0), image), (~hole).astype(np.float32))
    return np.where(hole[..., None], np.rint(filled).astype(np.uint8), image)


def _fill(colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill (height, width, 3) float32 where `known`, (height, width) from 0 to 1, is below 1."""
    if known.all():
        return colours
    height, width = known.shape
    even = (height % 2, width % 2)
    weights, sums = (
        np.pad(part, ((0, even[0]), (0, even[1]), *((0, 0),) * (part.ndim - 2)))
        for part in (known, colours * known[..., None])
    )
    weights, sums = (
        part.reshape(part.shape[0] // 2, 2, part.shape[1] // 2, 2, *part.shape[2:]).sum(axis=(1, 3))
        for part in (weights, sums)
    )
    coarse = _fill(sums / np.maximum(weights, 1e-6)[..., None], np.minimum(weights, 1))
    size = (coarse.shape[1] * 2, coarse.shape[0] * 2)
    pulled = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    return colours + (1 - known[..., None]) * (pulled - colours)


METHOD = Method(remove, examples=({},))
