"""Improves an inverse of a known blur: what it estimates must, when blurred and rounded, give the blurred image."""

import cv2
import numpy as np

from stages.attacks._learning.restorer import Restorer

STEPS = 30
HALF = 0.5  # grey levels that rounding may take away


class WithinRounding:
    """Moves an estimate, by accelerated gradient steps, to an image from which the blurred one may have been rounded.

    Only what the blurred image shows beyond rounding moves it, so that noise is not amplified. `start` makes the
    estimate, `kernel` is one axis of the blur. The steps are those of Beck and Teboulle (SIAM Journal on Imaging
    Sciences 2(1), 2009).

    >>> from stages.attacks._learning.restorer import Unchanged
    >>> image, kernel = np.zeros((9, 9, 3), np.uint8), np.array([0.25, 0.5, 0.25])
    >>> image[4, 4] = 200
    >>> blurred = cv2.sepFilter2D(image, -1, kernel, kernel)
    >>> restored = WithinRounding(Unchanged(), kernel).restore(blurred)
    >>> [int(image[4, 4, 0]) for image in (blurred, restored)]
    [50, 185]
    """

    def __init__(self, start: Restorer, kernel: np.ndarray):
        self.name = f"{start.name}, within rounding"
        self._start, self._kernel = start, np.asarray(kernel, float)

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Estimate the original of a blurred image."""
        blurred = image.astype(np.float32)
        now = ahead = self._start.restore(image).astype(np.float32)
        pace = 1.0
        for _ in range(STEPS):
            missed = blurred - self._blur(ahead)
            missed -= np.clip(missed, -HALF, HALF)
            after = np.clip(ahead + self._blur(missed), 0, 255)  # a symmetric blur is its own transpose
            faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
            ahead = after + np.float32((pace - 1) / faster) * (after - now)
            now, pace = after, faster
        return np.rint(now).astype(np.uint8)

    def _blur(self, image: np.ndarray) -> np.ndarray:
        return cv2.sepFilter2D(image, -1, self._kernel, self._kernel, borderType=cv2.BORDER_REFLECT_101)
