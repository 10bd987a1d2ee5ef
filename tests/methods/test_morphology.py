"""Morphology against OpenCV's own, pixel by pixel."""

import cv2
import numpy as np
import pytest
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
@settings(max_examples=150, deadline=None)
def test_is_opencv_exactly(height, width, operation, kernel_size, iterations):
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (kernel_size, kernel_size))
    expected = cv2.morphologyEx(image, OPENCV[operation], kernel, iterations=iterations)
    result = morphology(image, operation=operation, kernel_size=kernel_size, iterations=iterations)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("erosion", [1, 1, 1, 3, 3, 3]),
        ("dilation", [5, 9, 9, 9, 7, 7]),
        ("opening", [1, 1, 3, 3, 3, 3]),
        ("closing", [5, 5, 9, 7, 7, 7]),
    ],
)
def test_known_answers(operation, answer):
    image = np.repeat(np.array([5, 1, 9, 3, 3, 7], np.uint8), 3).reshape(1, 6, 3)
    assert morphology(image, operation=operation, kernel_size=3, iterations=1)[0, :, 1].tolist() == answer
    np.testing.assert_array_equal(morphology(image, operation=operation, kernel_size=1, iterations=3), image)


def test_a_kernel_far_larger_than_the_image(photo):
    image = photo(9, 14)
    result = morphology(image, operation="dilation", kernel_size=1000, iterations=1000)
    np.testing.assert_array_equal(result, np.broadcast_to(image.max(axis=(0, 1)), image.shape))


@pytest.mark.parametrize(("kernel_size", "iterations"), [(7, 2), (31, 3)])
def test_order_and_a_second_time_changes_nothing(photo, kernel_size, iterations):
    image, options = photo(70, 80), {"kernel_size": kernel_size, "iterations": iterations}
    names = ("erosion", "opening", "closing", "dilation")
    erosion, opening, closing, dilation = (morphology(image, operation=name, **options) for name in names)
    rising = [erosion, opening, image, closing, dilation]
    assert all((one <= other).all() and (one < other).any() for one, other in zip(rising, rising[1:], strict=False))
    np.testing.assert_array_equal(morphology(opening, operation="opening", **options), opening)
    np.testing.assert_array_equal(morphology(closing, operation="closing", **options), closing)
