"""Grey-scale morphology with a square, channel by channel."""

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

LARGE = 64  # pixels; from here on, doubling the window is quicker than OpenCV, whose cost grows with its size
PHASES = {
    "erosion": ("erosion",),
    "dilation": ("dilation",),
    "opening": ("erosion", "dilation"),
    "closing": ("dilation", "erosion"),
}


def morphology(
    image: np.ndarray,
    *,
    operation: Literal["erosion", "dilation", "opening", "closing"],
    kernel_size: Annotated[int, Ge(1), Le(1000)],
    iterations: Annotated[int, Ge(1), Le(1000)],
) -> np.ndarray:
    """Erode, dilate, open or close an image with a square.

    The same, pixel by pixel, as ``cv2.morphologyEx`` with a ``cv2.MORPH_RECT`` kernel: `iterations` erosions or
    dilations, with opening and closing all of one kind before all of the other, and pixels beyond the borders left out.
    The cost hardly grows with the kernel and the number of iterations.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image.
    operation : {"erosion", "dilation", "opening", "closing"}
        Erosion takes the minimum of the pixels under the square, dilation the maximum; opening is erosion and then
        dilation, closing the reverse.
    kernel_size : int
        Side of the square in pixels, 1 to 1000. An even square is not centred: as in OpenCV it reaches one pixel
        farther up and left, so that opening and closing move the image by a pixel an iteration.
    iterations : int
        How many times each operation is applied, 1 to 1000.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The filtered image.

    References
    ----------
    .. [1] J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((1, 7, 3), 9, np.uint8)
    >>> image[0, 2], image[0, 4:] = 0, 0
    >>> morphology(image, operation="closing", kernel_size=3, iterations=1)[0, :, 0]
    array([9, 9, 9, 9, 0, 0, 0], dtype=uint8)
    """
    # n squares of side k one after the other act as one of side n * (k - 1) + 1.
    size, anchor = iterations * (kernel_size - 1) + 1, iterations * (kernel_size // 2)
    result = image
    for phase in PHASES[operation]:
        if size < LARGE:
            kernel = np.ones((size, size), np.uint8)
            filter_once = cv2.erode if phase == "erosion" else cv2.dilate
            result = filter_once(result, kernel, anchor=(anchor, anchor))
        else:
            for axis in (0, 1):
                result = _extreme(result, axis, anchor, size - 1 - anchor, phase)
    return result


def _extreme(image: np.ndarray, axis: int, before: int, after: int, phase: str) -> np.ndarray:
    """Take the minimum or maximum over a window along one axis, by windows of 1, 2, 4, ... pixels."""
    choose, neutral = (np.minimum, 255) if phase == "erosion" else (np.maximum, 0)
    height, width = image.shape[:2]
    before, after = (min(reach, image.shape[axis] - 1) for reach in (before, after))  # the rest is beyond the borders
    margins = (before, after, 0, 0) if axis == 0 else (0, 0, before, after)
    extreme = cv2.copyMakeBorder(image, *margins, cv2.BORDER_CONSTANT, value=(neutral,) * 3)
    # Rows of bytes: one step along the axis is a row, or the three bytes of a pixel.
    extreme = extreme.reshape(len(extreme), -1)
    step, length = (1, height) if axis == 0 else (3, 3 * width)
    other = np.empty_like(extreme)
    window, full = 1, before + after + 1
    while window * 2 <= full:
        stay, move = _ends(extreme, axis, window * step)
        choose(stay, move, out=_ends(other, axis, window * step)[0])
        extreme, other = other, extreme
        window *= 2
    last = (full - window) * step
    if axis == 0:
        result = choose(extreme[:length], extreme[last : last + length])
    else:
        result = choose(extreme[:, :length], extreme[:, last : last + length])
    return result.reshape(image.shape)


def _ends(array: np.ndarray, axis: int, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the array without its last and without its first `shift` entries along the axis."""
    return (array[:-shift], array[shift:]) if axis == 0 else (array[:, :-shift], array[:, shift:])
