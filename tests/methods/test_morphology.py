"""Morphology against OpenCV's own, pixel by pixel."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.methods.morphology import morphology

OPENCV = {
    "erosion": cv2.MORPH_ERODE,
    "dilation": cv2.MORPH_DILATE,
    "opening": cv2.MORPH_OPEN,
    "closing": cv2.MORPH_CLOSE,
}


def opencv(image: np.ndarray, operation: str, kernel_size: int, iterations: int) -> np.ndarray:
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (kernel_size, kernel_size))
    return cv2.morphologyEx(image, OPENCV[operation], kernel, iterations=iterations)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(sorted(OPENCV)), st.integers(1, 80), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_is_opencv_exactly(height, width, operation, kernel_size, iterations):
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    result = morphology(image, operation=operation, kernel_size=kernel_size, iterations=iterations)
    np.testing.assert_array_equal(result, opencv(image, operation, kernel_size, iterations))


@pytest.mark.parametrize("operation", sorted(OPENCV))
@pytest.mark.parametrize(("kernel_size", "iterations"), [(7, 2), (8, 2), (63, 1), (64, 1), (65, 1), (3, 40), (101, 2)])
def test_is_opencv_exactly_with_any_kernel(photo, operation, kernel_size, iterations):
    image = photo(120, 210)
    result = morphology(image, operation=operation, kernel_size=kernel_size, iterations=iterations)
    np.testing.assert_array_equal(result, opencv(image, operation, kernel_size, iterations))


def test_a_kernel_far_larger_than_the_image():
    image = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    result = morphology(image, operation="dilation", kernel_size=1000, iterations=1000)
    np.testing.assert_array_equal(result, np.broadcast_to(image.max(axis=(0, 1)), image.shape))


def test_known_answers():
    row = np.array([5, 1, 9, 3, 3, 7], np.uint8)
    image = np.repeat(row, 3).reshape(1, 6, 3)
    answers = {
        "erosion": [1, 1, 1, 3, 3, 3],
        "dilation": [5, 9, 9, 9, 7, 7],
        "opening": [1, 1, 3, 3, 3, 3],
        "closing": [5, 5, 9, 7, 7, 7],
    }
    for operation, answer in answers.items():
        result = morphology(image, operation=operation, kernel_size=3, iterations=1)
        assert result[0, :, 1].tolist() == answer, operation


@pytest.mark.parametrize(("kernel_size", "iterations"), [(7, 2), (31, 3)])
def test_order(photo, kernel_size, iterations):
    image = photo(70, 80)
    results = {
        operation: morphology(image, operation=operation, kernel_size=kernel_size, iterations=iterations)
        for operation in OPENCV
    }
    assert (results["erosion"] <= results["opening"]).all()
    assert (results["opening"] <= image).all()
    assert (image <= results["closing"]).all()
    assert (results["closing"] <= results["dilation"]).all()
    assert (results["closing"] > image).any() and (results["opening"] < image).any()


@pytest.mark.parametrize("operation", ["opening", "closing"])
def test_a_second_time_changes_nothing(photo, operation):
    once = morphology(photo(70, 80), operation=operation, kernel_size=5, iterations=2)
    np.testing.assert_array_equal(morphology(once, operation=operation, kernel_size=5, iterations=2), once)


@pytest.mark.parametrize("kernel_size", [3, 75])
def test_channels_do_not_mix_and_the_input_stays(photo, kernel_size):
    image = photo(90, 85)
    before = image.copy()
    result = morphology(image, operation="dilation", kernel_size=kernel_size, iterations=1)
    np.testing.assert_array_equal(image, before)
    for channel in range(3):
        alone = np.zeros_like(image)
        alone[:, :, channel] = image[:, :, channel]
        alone = morphology(alone, operation="dilation", kernel_size=kernel_size, iterations=1)
        np.testing.assert_array_equal(alone[:, :, channel], result[:, :, channel])


@pytest.mark.parametrize("operation", sorted(OPENCV))
def test_a_kernel_of_one_pixel_gives_a_copy(photo, operation):
    image = photo(8, 9)
    result = morphology(image, operation=operation, kernel_size=1, iterations=3)
    np.testing.assert_array_equal(result, image)
    assert not np.shares_memory(result, image)
