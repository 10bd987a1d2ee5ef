"""Gaussian blur against OpenCV's, and against the exact convolution where OpenCV's own rounding adds up."""

import cv2
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.methods.gaussian_blur import blur_kernel, gaussian_blur
from tests.methods.conftest import draw_photo


@given(st.integers(1, 130), st.integers(1, 130), st.floats(0.05, 150))
@example(1, 1, 7)
@example(5, 300, 2.5)
@example(300, 5, 33)
@example(64, 64, 1000)
@example(97, 131, 14)
@example(97, 131, 33)
@settings(max_examples=30, deadline=None)
def test_is_opencvs_or_the_exact_one_within_a_level(height, width, sigma):
    image = draw_photo(height, width, seed=height)
    blurred, kernel = gaussian_blur(image, sigma=sigma), blur_kernel(sigma=sigma)
    if len(kernel) ** 2 <= 7 * (height + width):
        # Both round the same sums; OpenCV rounds halves up.
        assert np.isin(blurred.astype(int) - cv2.GaussianBlur(image, (0, 0), sigma), (-1, 0)).all()
    else:
        assert np.abs(blurred - cv2.sepFilter2D(image.astype(float), -1, kernel, kernel)).max() < 0.8


def test_sigma_zero_gives_a_copy(photo):
    image = photo(9, 12)
    blurred = gaussian_blur(image, sigma=0)
    np.testing.assert_array_equal(blurred, image)
    assert not np.shares_memory(blurred, image)
