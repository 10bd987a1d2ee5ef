"""Cuts regions out of images, as attackers look at them."""

from collections.abc import Sequence

import numpy as np

from stages.core.boxes import Box
from stages.core.images import resize_image

GREY = 127


def main_region(boxes: Sequence[Box]) -> Box:
    """Return the region of the largest area, the first of several: whom an image is about."""
    return max(boxes, key=lambda box: box.area)


def around(box: Box, size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the part of an image that shows a region: rows and columns, at least one of each."""

    def within(start: int, side: int, length: int) -> slice:
        first = min(max(start, 0), length - 1)
        return slice(first, max(min(start + side, length), first + 1))

    return within(box.y, box.height, size[0]), within(box.x, box.width, size[1])


def square_crop(image: np.ndarray, box: Box, size: int) -> np.ndarray:
    """Cut a square around a region, with its aspect ratio, as face recognizers want it.

    Examples
    --------
    >>> image = np.arange(75, dtype=np.uint8).reshape(5, 5, 3)
    >>> square_crop(image, Box(3, -1, 1, 3), 3)[..., 0]
    array([[127, 127, 127],
           [  6,   9,  12],
           [ 21,  24,  27]], dtype=uint8)
    """
    longer = max(box.width, box.height)
    square = Box(box.x - (longer - box.width) // 2, box.y - (longer - box.height) // 2, longer, longer)
    rows, columns = around(square, image.shape[:2])
    down, across = (
        slice(round((inside.start - start) * size / longer), round((inside.stop - start) * size / longer))
        for inside, start in ((rows, square.y), (columns, square.x))
    )
    crop = np.full((size, size, 3), GREY, np.uint8)
    seen = crop[down, across]
    if seen.size:
        height, width = seen.shape[:2]
        seen[:] = resize_image(image[rows, columns], (height, width))
    return crop
