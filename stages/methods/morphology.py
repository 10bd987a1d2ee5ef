"""Grey-scale morphology with a square, channel by channel."""

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

from stages.methods.shared.method import Method

_OPERATIONS = {
    "erosion": cv2.MORPH_ERODE,
    "dilation": cv2.MORPH_DILATE,
    "opening": cv2.MORPH_OPEN,
    "closing": cv2.MORPH_CLOSE,
}


def morphology(
    image: np.ndarray,
    *,
    operation: Literal["erosion", "dilation", "opening", "closing"],
    kernel_size: Annotated[int, Ge(1), Le(1000)],
    iterations: Annotated[int, Ge(1), Le(1000)],
) -> np.ndarray:
    """Erode, dilate, open or close an image with a square.

    Of opening and closing, all `iterations` of one kind come before all of the other. Pixels beyond the borders are
    left out.

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
    # OpenCV makes one square of all iterations; what reaches beyond the image changes nothing.
    iterations = min(iterations, -(-max(image.shape[:2]) // max(1, (kernel_size - 1) // 2)))
    square = np.ones((kernel_size, kernel_size), np.uint8)
    return cv2.morphologyEx(image, _OPERATIONS[operation], square, iterations=iterations)


METHOD = Method(morphology, examples=({"operation": "closing", "kernel_size": 3, "iterations": 2},))
