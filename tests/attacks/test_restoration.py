"""Inverting anonymization: what is known to be invertible is, and nothing gets worse."""

import cv2
import numpy as np
import pytest

from stages.attacks._learning import patches
from stages.attacks._learning.patches import PatchNetwork
from stages.attacks._learning.restorer import Unchanged
from stages.attacks._learning.ridge import RidgeInverse
from stages.attacks._learning.rounding import HALF, WithinRounding
from stages.attacks._learning.wiener import WienerInverse
from stages.attacks.pixels import psnr
from stages.attacks.restoration import train_restorer
from stages.methods.gaussian_blur import blur_kernel
from tests.portraits import blur


def scene(seed, height=64, width=72):
    """Draw a smooth picture with a few sharp shapes, of a spectrum like a photo's."""
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(12):
        x, y, size = (int(value) for value in rng.integers(4, 60, 3))
        cv2.rectangle(image, (x, y), (x + size // 3, y + size // 4), tuple(int(v) for v in rng.integers(0, 256, 3)), -1)
    return image


@pytest.fixture(autouse=True)
def quick_network(monkeypatch):
    monkeypatch.setattr(patches, "SAMPLES", 12_000)
    monkeypatch.setattr(patches, "EPOCHS", 5)


RAW, UNSEEN = [scene(seed) for seed in range(12)], [scene(seed) for seed in range(50, 54)]


def gain(inverse, anonymized, images):
    pairs = zip(anonymized, images, strict=True)
    return np.mean([psnr(inverse.restore(image), raw) - psnr(image, raw) for image, raw in pairs])


def test_a_known_blur_is_inverted_best_and_that_inverse_chosen():
    blurred = blur(RAW, 2)
    kernels = {sigma: blur_kernel(sigma=sigma) for sigma in (1.0, 2.0, 3.0)}
    gains = {sigma: gain(WienerInverse(blurred, RAW, kernel=kernel), blurred, RAW) for sigma, kernel in kernels.items()}
    assert max(gains, key=gains.get) == 2.0
    assert train_restorer(blurred, RAW, kernel=kernels[2.0]).name in ("wiener", "wiener and network")


def test_optimization_finds_an_image_that_gives_the_blurred_one_and_helps_after_the_network():
    blurred, unseen, kernel = blur(RAW, 2), blur(UNSEEN, 2), blur_kernel(sigma=2)
    network = PatchNetwork(blurred, RAW, start=WienerInverse(blurred, RAW, kernel=kernel))
    exact = WithinRounding(network, kernel)

    def missed(inverse) -> float:
        reblurred = blur(np.array([inverse.restore(image) for image in unseen], float), 2)
        return float((np.abs(reblurred - unseen) > 2 * HALF).mean())

    assert missed(exact) < 0.01 < missed(network)
    assert gain(exact, unseen, UNSEEN) > gain(network, unseen, UNSEEN) + 0.1
    assert train_restorer(blurred, RAW, kernel=kernel, exact=True).name.endswith("within rounding")


def test_ridge_learns_an_inverse_that_it_was_not_told():
    assert gain(RidgeInverse(blur(RAW, 1), RAW), blur(UNSEEN, 1), UNSEEN) > 1


def test_ridge_learns_a_map_for_each_place_in_a_grid():
    dark = [image.copy() for image in RAW]
    for image in dark:
        image[:, 1::2] //= 2
    assert gain(RidgeInverse(dark, RAW, period=2), dark, RAW) > gain(RidgeInverse(dark, RAW), dark, RAW) + 3


def test_a_network_learns_what_no_linear_map_inverts():
    dark, unseen = ([(255 * (image / 255) ** 3).astype(np.uint8) for image in images] for images in (RAW, UNSEEN))
    best = train_restorer(dark, RAW)
    assert best.name == "ridge and network"
    assert gain(best, unseen, UNSEEN) > gain(RidgeInverse(dark, RAW), unseen, UNSEEN) + 1


def test_of_a_mask_nothing_but_the_mean_comes_back():
    hidden = [np.full_like(image, 90) for image in RAW]
    restorer = train_restorer(hidden, RAW)
    assert gain(restorer, hidden, RAW) >= -0.01
    assert restorer.restore(hidden[0]).std(axis=(0, 1)).max() < 1


@pytest.mark.parametrize("options", [{"kernel": blur_kernel(sigma=2), "exact": True}, {"period": 4}])
def test_any_image_keeps_its_size_and_comes_back_the_same_twice(options, monkeypatch):
    monkeypatch.setattr(patches, "SAMPLES", 3_000)
    restorers = [train_restorer(list(blur(RAW, 2)), RAW, **options) for _ in range(2)]
    for size in ((1, 1), (1, 30), (17, 5), (90, 33)):
        first, second = (restorer.restore(np.full((*size, 3), 77, np.uint8)) for restorer in restorers)
        assert (first.shape, first.dtype) == ((*size, 3), np.uint8)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, 77, atol=8)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0])
def test_a_known_blur_is_inverted(sigma):
    inverse = WienerInverse(blur(RAW, sigma), RAW, kernel=blur_kernel(sigma=sigma))
    assert gain(inverse, blur(UNSEEN, sigma), UNSEEN) > 1.5


def test_a_network_learns_nothing_from_pairs_that_do_not_belong_together():
    network = PatchNetwork(RAW, RAW[1:] + RAW[:1], start=Unchanged())
    assert psnr(network.restore(UNSEEN[0]), UNSEEN[0]) < 15
