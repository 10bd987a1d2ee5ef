"""Grey-scale morphology with a square, channel by channel."""

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

from stages.methods.shared.method import Method

_FILTERS = {"erosion": cv2.erode, "dilation": cv2.dilate}
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
    # n squares of side k one after the other act as one of side n * (k - 1) + 1, and a square as its two sides in turn.
    size, anchor = iterations * (kernel_size - 1) + 1, iterations * (kernel_size // 2)
    result = image.copy()
    for phase in PHASES[operation]:
        for axis, side in enumerate(image.shape[:2]):
            before, after = min(anchor, side - 1), min(size - 1 - anchor, side - 1)  # the rest is beyond the borders
            length = before + after + 1
            kernel = np.ones((length, 1) if axis == 0 else (1, length), np.uint8)
            result = _FILTERS[phase](result, kernel, anchor=(0, before) if axis == 0 else (before, 0))
    return result


METHOD = Method(morphology, examples=({"operation": "closing", "kernel_size": 3, "iterations": 2},))
