"""Gaussian blur against OpenCV's, and against the exact convolution where OpenCV's own rounding adds up."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.methods.gaussian_blur import gaussian_blur
from tests.methods.conftest import draw_photo

SIZES = [(1, 1), (1, 40), (40, 1), (2, 3), (5, 300), (64, 64), (97, 131)]
SIGMAS = [0.1, 0.5, 1, 2.5, 7, 14, 33, 150, 1000]


def exact_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    kernel = cv2.getGaussianKernel(round(sigma * 6 + 1) | 1, sigma, cv2.CV_64F)
    return cv2.sepFilter2D(image.astype(float), -1, kernel, kernel)


def assert_blurred(image: np.ndarray, sigma: float) -> None:
    blurred = gaussian_blur(image, sigma=sigma)
    assert blurred.shape == image.shape and blurred.dtype == np.uint8
    if (round(sigma * 6 + 1) | 1) ** 2 <= 7 * sum(image.shape[:2]):
        # Both round the same sums; OpenCV rounds halves up.
        difference = blurred.astype(int) - cv2.GaussianBlur(image, (0, 0), sigma)
        assert np.isin(difference, (-1, 0)).all()
    else:
        assert np.abs(blurred - exact_blur(image, sigma)).max() < 0.9


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sigma", SIGMAS)
def test_is_opencvs_or_the_exact_one_within_a_level(size, sigma):
    assert_blurred(draw_photo(*size), sigma)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.05, 80), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_any_size_and_sigma(height, width, sigma, seed):
    assert_blurred(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8), sigma)


@pytest.mark.parametrize("sigma", [0.8, 2, 4, 7, 10])
def test_is_opencvs_nearly_everywhere(photo, sigma):
    image = photo(300, 420)
    assert (gaussian_blur(image, sigma=sigma) == cv2.GaussianBlur(image, (0, 0), sigma)).mean() > 0.999


def test_real_photos_are_opencvs_within_a_level(real_photos):
    for image in real_photos:
        assert_blurred(image, 7)


def test_sigma_zero_gives_a_copy(photo):
    image = photo(9, 12)
    blurred = gaussian_blur(image, sigma=0)
    np.testing.assert_array_equal(blurred, image)
    assert not np.shares_memory(blurred, image)


@pytest.mark.parametrize("sigma", [0.7, 7, 60])
def test_keeps_constant_images(sigma):
    image = np.full((50, 41, 3), (0, 117, 255), np.uint8)
    np.testing.assert_array_equal(gaussian_blur(image, sigma=sigma), image)


@pytest.mark.parametrize("sigma", [1, 7, 40])
def test_lowers_variance_and_keeps_the_mean(photo, sigma):
    image = photo(150, 200)
    blurred = gaussian_blur(image, sigma=sigma)
    assert blurred.var() < image.var()
    # Half a level is rounding; mirrored borders count their pixels twice.
    assert abs(blurred.mean() - image.mean()) < 0.5 + image.std() * sigma / 75


@pytest.mark.parametrize("sigma", [2, 30])
def test_channels_do_not_mix(photo, sigma):
    image = photo(60, 70)
    image[:, :, 1] = 0
    blurred = gaussian_blur(image, sigma=sigma)
    assert not blurred[:, :, 1].any()
    alone = np.repeat(image[:, :, 2:], 3, axis=2)
    np.testing.assert_array_equal(gaussian_blur(alone, sigma=sigma)[:, :, 0], blurred[:, :, 2])


@pytest.mark.parametrize("sigma", [2, 30])
def test_leaves_its_input_alone(photo, sigma):
    image = photo(40, 50)
    before = image.copy()
    gaussian_blur(image, sigma=sigma)
    np.testing.assert_array_equal(image, before)
