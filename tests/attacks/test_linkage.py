"""Linkage finds the originals of what still shows them, and those of nothing else but by chance."""

import cv2
import numpy as np
import pytest

from stages.attacks import linkage
from stages.attacks._learning.ranks import ranks_of
from stages.attacks.linkage import train_linker
from stages.core.machine import WORKERS_VARIABLE

TRAIN, TEST = 60, 40


def photos(count: int, seed: int) -> np.ndarray:
    """Draw smooth random pictures, (count, 48, 48, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(128, 50, (count, 8, 8, 3)).clip(0, 255).astype(np.uint8)
    return np.stack([cv2.resize(image, (48, 48), interpolation=cv2.INTER_CUBIC) for image in coarse])


def noisy(images: np.ndarray, scale: float) -> np.ndarray:
    noise = np.random.default_rng(len(images)).normal(0, scale, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


RAW, ASKED = photos(TRAIN, 0), photos(TEST, 1)
METHODS = {
    "identity": lambda images: images,
    "blur": lambda images: np.stack([cv2.GaussianBlur(image, (0, 0), 7) for image in images]),
    "closing": lambda images: np.stack([cv2.morphologyEx(i, cv2.MORPH_CLOSE, np.ones((7, 7))) for i in images]),
    "negative and smaller contrast": lambda images: 180 - images // 3,
}


def ranks(method):
    return train_linker(RAW, method(RAW), seed=0).ranks(method(ASKED), ASKED)


@pytest.mark.parametrize("name", METHODS)
def test_the_originals_of_what_was_not_hidden_are_found(name):
    assert ranks(METHODS[name]).within(1).all()


def test_the_stronger_the_noise_the_fewer_are_found():
    found = [ranks(lambda images, scale=scale: noisy(images, scale)).within(1).mean() for scale in (50, 500, 5000)]
    assert found == sorted(found, reverse=True)
    assert found[0] == 1 > found[1] > 4 / TEST


def test_the_originals_of_constant_images_are_found_exactly_as_by_chance_whatever_was_learned():
    constant = np.full_like(ASKED, 128)
    for learned in (np.full_like(RAW, 128), RAW):
        found = train_linker(RAW, learned, seed=0).ranks(constant, ASKED)
        assert found.within(1).mean() == pytest.approx(1 / TEST) and found.within(5).mean() == pytest.approx(5 / TEST)
        assert found.mean.mean() == pytest.approx((TEST + 1) / 2)


def test_nothing_is_learned_from_pairs_that_do_not_belong_together():
    found, ranks = [], []
    for seed in range(8):
        mixed = np.random.default_rng(seed).permutation(TRAIN)
        ranked = train_linker(RAW, RAW[mixed], seed=seed).ranks(photos(TEST, 100 + seed), ASKED)
        found.append(ranked.within(5).mean())
        ranks.append(ranked.mean.mean())
    assert np.mean(found) == pytest.approx(5 / TEST, abs=0.055)  # three standard errors of 320 images
    assert np.mean(ranks) == pytest.approx((TEST + 1) / 2, abs=2)


def test_neither_workers_nor_the_size_of_parts_change_the_ranks(monkeypatch):
    def found():
        return [part.tolist() for part in ranks(lambda images: noisy(images, 800))]

    monkeypatch.setenv(WORKERS_VARIABLE, "1")
    alone = found()
    monkeypatch.setenv(WORKERS_VARIABLE, "3")
    monkeypatch.setattr(linkage, "CHUNK", 7)
    monkeypatch.setattr(linkage, "MOST_DISTANCES", 3 * TEST)
    assert found() == alone


def test_ties_within_rounding_are_ties():
    near = ranks_of(np.array([[1.0, 1.0 + 1e-15, 2.0], [3.0, 1.0, 2.0], [0.0, 0.0, 0.0]]), np.array([1, 1, 2]))
    assert (near.closer.tolist(), near.tied.tolist()) == ([0, 0, 0], [2, 1, 3])
