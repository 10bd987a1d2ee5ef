"""Grey-scale morphology with a square, channel by channel."""

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

OPERATIONS = {
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
    """Erode, dilate, open or close an image with a square."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (kernel_size, kernel_size))
    return cv2.morphologyEx(image, OPERATIONS[operation], kernel, iterations=iterations)
