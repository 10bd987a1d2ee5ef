"""Gaussian blur of the whole image."""

from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge, Le


def gaussian_blur(image: np.ndarray, *, sigma: Annotated[float, Ge(0), Le(1000)]) -> np.ndarray:
    """Blur an image with a Gaussian."""
    if sigma == 0:
        return image.copy()
    return cv2.GaussianBlur(image, (0, 0), sigma)
