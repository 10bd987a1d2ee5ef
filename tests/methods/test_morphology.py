"""Morphology against OpenCV's own, pixel by pixel."""

import cv2
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.methods.morphology import morphology

OPENCV = {
    "erosion": cv2.MORPH_ERODE,
    "dilation": cv2.MORPH_DILATE,
    "opening": cv2.MORPH_OPEN,
    "closing": cv2.MORPH_CLOSE,
}


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(sorted(OPENCV)), st.integers(1, 80), st.integers(1, 6))
@example(120, 210, "closing", 7, 2)
@example(120, 210, "opening", 64, 1)
@example(120, 210, "closing", 3, 40)
@example(120, 210, "opening", 101, 2)
@example(9, 14, "dilation", 1000, 3)
@settings(max_examples=150, deadline=None)
def test_is_opencv_exactly(height, width, operation, kernel_size, iterations):
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (kernel_size, kernel_size))
    expected = cv2.morphologyEx(image, OPENCV[operation], kernel, iterations=iterations)
    result = morphology(image, operation=operation, kernel_size=kernel_size, iterations=iterations)
    np.testing.assert_array_equal(result, expected)
