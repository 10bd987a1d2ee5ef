"""Images for the tests of methods."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest


def draw_photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Draw noise with the spectrum of photos and some hard edges, over the whole range of grey levels."""
    rng = np.random.default_rng(seed)
    photo = np.zeros((height, width, 3))
    for sigma in (1, 3, 9, 27):
        photo += sigma * cv2.GaussianBlur(rng.normal(size=(height, width, 3)), (0, 0), sigma)
    for _ in range(4):
        y, x = rng.integers(0, height), rng.integers(0, width)
        photo[y : y + height // 3, x : x + width // 3] += rng.normal(size=3) * 2
    return cv2.normalize(photo, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture
def photo() -> Callable[..., np.ndarray]:
    """The function that draws a photo: height, width and a seed."""
    return draw_photo
