"""Cuts regions out of images, as attackers look at them."""

from collections.abc import Sequence

import cv2
import numpy as np

from stages.core.boxes import Box
from stages.core.images import resize_image


def main_region(boxes: Sequence[Box]) -> Box:
    """Return the region of the largest area, the first of several: whom an image is about."""
    return max(boxes, key=lambda box: box.area)


def around(box: Box, size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the part of an image that shows a region: rows and columns, at least one of each.

    Parameters
    ----------
    box : Box
        The region; it may reach beyond the image.
    size : tuple of int
        Height and width of the image in pixels.

    Returns
    -------
    tuple of slice
        The box, as far as the image goes.
    """
    rows, columns = (
        _within(start, start + side, length)
        for start, side, length in ((box.y, box.height, size[0]), (box.x, box.width, size[1]))
    )
    return rows, columns


def square_crop(image: np.ndarray, box: Box, size: int) -> np.ndarray:
    """Cut a square around a region, and scale it.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image.
    box : Box
        The region; it may reach beyond the image.
    size : int
        Side of the result in pixels.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)
        The smallest square around the region, and no more: what is beside a face may name the person too. Beyond the
        image, the pixels of its border are repeated.

    Examples
    --------
    >>> image = np.arange(75, dtype=np.uint8).reshape(5, 5, 3)
    >>> np.array_equal(square_crop(image, Box(0, 0, 5, 4), 5), image)
    True
    >>> square_crop(image, Box(3, -1, 1, 3), 3)[..., 0]
    array([[ 6,  9, 12],
           [ 6,  9, 12],
           [21, 24, 27]], dtype=uint8)
    """
    # Of a crop that is far larger than its image, most is repeated border.
    side = min(max(box.width, box.height), 4 * max(image.shape[:2]))
    top, left = round(box.y + (box.height - side) / 2), round(box.x + (box.width - side) / 2)
    height, width = image.shape[:2]
    rows, columns = (_within(start, start + side, length) for start, length in ((top, height), (left, width)))
    inside = image[rows, columns]
    beyond = (rows.start - top, top + side - rows.stop, columns.start - left, left + side - columns.stop)
    padded = cv2.copyMakeBorder(inside, *(max(0, pixels) for pixels in beyond), cv2.BORDER_REPLICATE)
    return resize_image(padded, (size, size))


def _within(start: int, stop: int, length: int) -> slice:
    first = min(max(start, 0), length - 1)
    return slice(first, max(min(stop, length), first + 1))
