"""Survival: what is still there is found, and nothing else."""

import cv2
import numpy as np
import pytest

from stages.attacks.survival import keypoint_survival, unchanged_pixels


@pytest.fixture
def image() -> np.ndarray:
    """Give a picture full of corners, (240, 240, 3)."""
    rng = np.random.default_rng(0)
    picture = np.full((240, 240, 3), 128, np.uint8)
    for _ in range(250):
        x, y, size = rng.integers(0, 230), rng.integers(0, 230), rng.integers(4, 24)
        cv2.rectangle(picture, (x, y), (x + size, y + size), rng.integers(0, 256, 3).tolist(), -1)
    return picture


def test_the_same_image_survives_whole(image):
    assert keypoint_survival(image, image.copy()) == 1
    assert unchanged_pixels(image, image.copy()) == 1


def test_a_planted_copy_of_original_pixels_is_found(image):
    masked = np.full_like(image, 7)
    planted = masked.copy()
    planted[:, :120] = image[:, :120]
    assert unchanged_pixels(image, masked) == 0
    assert unchanged_pixels(image, planted) == 0.5
    assert keypoint_survival(image, masked) == 0
    assert 0.3 < keypoint_survival(image, planted) < 0.6


def test_single_pixels_put_back_are_counted(image):
    changed = image ^ 1
    changed[::4, ::4] = image[::4, ::4]
    assert unchanged_pixels(image, changed) == 1 / 16


def test_a_pixel_counts_only_if_all_its_channels_are_the_same(image):
    changed = image.copy()
    changed[..., 1] ^= 1
    assert unchanged_pixels(image, changed) == 0


def test_what_moved_has_not_survived(image):
    assert keypoint_survival(image, np.roll(image, 1, axis=1)) > 0.5
    assert keypoint_survival(image, np.roll(image, 9, axis=1)) < 0.1


def test_the_stronger_the_blur_the_less_survives(image):
    survival = [keypoint_survival(image, cv2.GaussianBlur(image, (0, 0), sigma)) for sigma in (0.5, 2, 7)]
    assert survival[0] > survival[1] >= survival[2]
    assert survival[0] > 0.5
    assert survival[2] < 0.1


def test_another_image_is_not_taken_for_this_one(image):
    assert keypoint_survival(image, np.rot90(image).copy()) < 0.05


@pytest.mark.parametrize("flat", [np.full((64, 64, 3), 9, np.uint8), np.zeros((1, 1, 3), np.uint8)])
def test_without_key_points_there_is_no_share(flat):
    assert keypoint_survival(flat, flat) is None
    assert unchanged_pixels(flat, flat) == 1


@pytest.mark.parametrize("measure", [keypoint_survival, unchanged_pixels])
def test_errors(image, measure):
    with pytest.raises(ValueError, match=r"must both be of shape \(height, width, 3\). Received: \(240, 240, 3\) and"):
        measure(image, image[1:])
    with pytest.raises(ValueError, match=r"must both be of shape"):
        measure(image[..., 0], image[..., 0])
    with pytest.raises(ValueError, match="must be of type uint8. Received: uint8 and float64"):
        measure(image, image.astype(float))
