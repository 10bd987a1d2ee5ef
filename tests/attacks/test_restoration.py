"""Inverting anonymization: what is known to be invertible is, and nothing gets worse."""

import cv2
import numpy as np
import pytest

from stages.attacks.fidelity import BEST_PSNR, psnr, ssim
from stages.attacks.restoration import train_restorer
from stages.attacks.ridge import RidgeInverse
from stages.attacks.wiener import WienerInverse
from stages.methods.gaussian_blur import blur_kernel


def scene(seed, height=64, width=72):
    """A smooth picture with a few sharp shapes, like a photo's spectrum."""
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(12):
        x, y, size = (int(value) for value in rng.integers(4, 60, 3))
        cv2.rectangle(image, (x, y), (x + size // 3, y + size // 4), tuple(int(v) for v in rng.integers(0, 256, 3)), -1)
    return image


def blur(image, sigma):
    return cv2.GaussianBlur(image, (0, 0), sigma)


@pytest.fixture(scope="module")
def raw():
    return [scene(seed) for seed in range(12)]


def gain(inverse, anonymized, images):
    pairs = zip(anonymized, images, strict=True)
    return np.mean([psnr(inverse.restore(one), image) - psnr(one, image) for one, image in pairs])


def test_equal_images_are_as_alike_as_can_be(raw):
    assert psnr(raw[0], raw[0]) == BEST_PSNR
    assert ssim(raw[0], raw[0]) == pytest.approx(1)


def test_noise_of_known_strength_has_its_psnr():
    grey = np.full((64, 64, 3), 100, np.uint8)
    assert psnr(grey + 10, grey) == pytest.approx(20 * np.log10(255 / 10), abs=1e-4)


def test_ssim_falls_with_blur(raw):
    assert 1 > ssim(blur(raw[0], 1), raw[0]) > ssim(blur(raw[0], 4), raw[0]) > 0


@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0])
def test_a_known_blur_is_inverted(raw, sigma):
    inverse = WienerInverse([blur(image, sigma) for image in raw], raw, kernel=blur_kernel(sigma=sigma))
    unseen = [scene(seed) for seed in range(50, 54)]
    assert gain(inverse, [blur(image, sigma) for image in unseen], unseen) > 1.5


def test_a_known_blur_is_inverted_better_than_a_wrong_one(raw):
    blurred = [blur(image, 2) for image in raw]
    gains = {
        sigma: gain(WienerInverse(blurred, raw, kernel=blur_kernel(sigma=sigma)), blurred, raw)
        for sigma in (1.0, 2.0, 3.0)
    }
    assert max(gains, key=gains.get) == 2.0


def test_ridge_learns_an_inverse_that_it_was_not_told(raw):
    inverse = RidgeInverse([blur(image, 1) for image in raw], raw)
    unseen = [scene(seed) for seed in range(50, 54)]
    assert gain(inverse, [blur(image, 1) for image in unseen], unseen) > 1


def test_ridge_learns_a_map_for_each_place_in_a_grid(raw):
    def darken(image):
        """Halve every other column."""
        result = image.copy()
        result[:, 1::2] //= 2
        return result

    dark = [darken(image) for image in raw]
    assert gain(RidgeInverse(dark, raw, period=2), dark, raw) > gain(RidgeInverse(dark, raw), dark, raw) + 3


def test_an_inverse_without_a_grid_is_a_filter(raw):
    inverse = RidgeInverse([blur(image, 1) for image in raw], raw)
    gridded = RidgeInverse([blur(image, 1) for image in raw], raw, period=2)
    gridded._map[:] = inverse._map
    image = blur(scene(60), 1)[:41, :]
    assert np.abs(inverse.restore(image).astype(int) - gridded.restore(image)).max() <= 1


def test_the_best_inverse_is_chosen(raw):
    blurred = [blur(image, 2) for image in raw]
    assert train_restorer(blurred, raw, kernel=blur_kernel(sigma=2.0)).name == "wiener"


def test_of_a_mask_nothing_but_the_mean_comes_back(raw):
    hidden = [np.full_like(image, 90) for image in raw]
    restorer = train_restorer(hidden, raw)
    assert gain(restorer, hidden, raw) >= -0.01
    assert restorer.restore(hidden[0]).std(axis=(0, 1)).max() < 1


def test_what_closing_brightened_is_darkened_again(raw):
    closed = [cv2.morphologyEx(image, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)) for image in raw]
    assert gain(train_restorer(closed, raw), closed, raw) > 0.3


def test_restoring_keeps_shape_and_type_of_any_image(raw):
    restorer = train_restorer([blur(image, 2) for image in raw], raw, kernel=blur_kernel(sigma=2.0))
    for size in ((1, 1), (1, 30), (17, 5), (90, 33)):
        result = restorer.restore(np.full((*size, 3), 77, np.uint8))
        assert result.shape == (*size, 3)
        assert result.dtype == np.uint8
        np.testing.assert_allclose(result, 77, atol=2)


def test_training_is_deterministic(raw):
    blurred = [blur(image, 3) for image in raw]
    first, second = (train_restorer(blurred, raw, period=4).restore(blurred[0]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
