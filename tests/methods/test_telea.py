"""The single steps of Telea's inpainting against what OpenCV does with images so bright that only they count."""

import cv2
import numpy as np
import pytest

from stages.methods._telea import march, step_weights


def random_mask(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    missing = np.zeros((30, 34), bool)
    for _ in range(seed % 3 + 1):
        y, x = rng.integers(-4, 28, 2)
        missing[max(y, 0) : y + rng.integers(5, 13), max(x, 0) : x + rng.integers(5, 13)] = True
    return missing


@pytest.mark.parametrize("seed", range(12))
def test_steps_add_up_to_opencv(seed):
    missing, radius = random_mask(seed), seed % 7 + 1
    bright = 1e6 * np.random.default_rng(seed).random(missing.shape, dtype=np.float32)
    bright[missing] = 0
    expected = cv2.inpaint(bright, missing.astype(np.uint8), radius, cv2.INPAINT_TELEA)
    pixels, weights, _ = step_weights(missing, radius)
    filled = bright.ravel().astype(float)
    for pixel, row in zip(pixels, weights, strict=True):
        filled[pixel] = row @ filled
    # What OpenCV adds at each step is at most 1.5 + 0.5.
    np.testing.assert_allclose(filled.reshape(missing.shape), expected, atol=2 * len(pixels) ** 0.5 + 5)


@pytest.mark.parametrize("seed", range(4))
def test_each_step_is_a_mean_of_what_is_there(seed):
    missing = random_mask(seed)
    pixels, weights, distance = step_weights(missing, 4)
    assert sorted(pixels) == np.flatnonzero(missing).tolist()
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert not np.triu(weights[:, pixels]).any()  # nothing of itself, nothing of what comes later
    assert (distance[pixels] < 0).all()
    assert (distance[~missing.ravel()] >= 0).all()


def test_the_front_runs_in_from_all_sides():
    missing = np.zeros((7, 7), bool)
    missing[1:6, 1:6] = True
    time, order = march(missing, 2)
    time, order = time[1:-1, 1:-1], order[1:-1, 1:-1]
    assert order[3, 3] == 24 and (order[~missing] == -1).all()
    np.testing.assert_allclose(time, time.T, atol=0.05)
    np.testing.assert_allclose(time, time[::-1], atol=0.05)
    assert time[0, 3] == 0 and time[1, 3] == pytest.approx(1, abs=0.01) and 2 < time[3, 3] <= 3
