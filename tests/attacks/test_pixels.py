"""What of an image's pixels is left: what is still there is found, and nothing else."""

import cv2
import numpy as np
import pytest

from stages.attacks.pixels import BEST_PSNR, keypoint_survival, measure_pixels, psnr, ssim, unchanged_pixels


@pytest.fixture
def image() -> np.ndarray:
    """Give a picture full of corners, (240, 240, 3)."""
    rng = np.random.default_rng(0)
    picture = np.full((240, 240, 3), 128, np.uint8)
    for _ in range(250):
        x, y, size = rng.integers(0, 230), rng.integers(0, 230), rng.integers(4, 24)
        cv2.rectangle(picture, (x, y), (x + size, y + size), rng.integers(0, 256, 3).tolist(), -1)
    return picture


def test_similarity_has_the_known_values_and_falls_with_blur(image):
    grey = np.full((64, 64, 3), 100, np.uint8)
    assert psnr(grey + 10, grey) == pytest.approx(20 * np.log10(255 / 10), abs=1e-4)
    assert psnr(grey, grey) == BEST_PSNR
    same, mild, strong = (ssim(part, image) for part in (image, *(cv2.GaussianBlur(image, (0, 0), s) for s in (1, 4))))
    assert same == pytest.approx(1) and same > mild > strong > 0


def test_a_planted_copy_of_original_pixels_is_found(image):
    masked = np.full_like(image, 7)
    planted = masked.copy()
    planted[:, :120] = image[:, :120]
    assert [unchanged_pixels(image, changed) for changed in (masked, planted, image.copy())] == [0, 0.5, 1]
    survived = [keypoint_survival(image, changed) for changed in (masked, planted, image.copy())]
    assert survived[0] == 0 and 0.3 < survived[1] < 0.6 and survived[2] == 1


def test_what_moved_and_what_another_image_shows_has_not_survived(image):
    assert keypoint_survival(image, np.roll(image, 1, axis=1)) > 0.5
    assert keypoint_survival(image, np.roll(image, 9, axis=1)) < 0.1
    assert keypoint_survival(image, np.rot90(image).copy()) < 0.05


@pytest.mark.parametrize("size", [(64, 64, 3), (1, 1, 3)])
def test_without_key_points_there_is_no_share(size):
    flat = np.full(size, 9, np.uint8)
    assert measure_pixels(flat, flat, flat)["keypoint_survival"] is None
    assert unchanged_pixels(flat, flat) == 1


def test_a_pixel_counts_only_if_all_its_channels_are_the_same(image):
    changed = image.copy()
    changed[..., 1] ^= 1
    changed[::4, ::4] = image[::4, ::4]
    assert unchanged_pixels(image, changed) == 1 / 16
