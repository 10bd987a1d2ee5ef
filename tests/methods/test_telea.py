"""The single steps of Telea's inpainting against what OpenCV does with images so bright that only they count."""

import cv2
import numpy as np
import pytest

from stages.methods.shared.telea import step_weights


@pytest.mark.parametrize("seed", range(8))
def test_each_step_is_a_mean_of_what_is_there_and_all_add_up_to_opencv(seed):
    rng, missing, radius = np.random.default_rng(seed), np.zeros((30, 34), bool), seed % 7 + 1
    for _ in range(seed % 3 + 1):
        y, x = rng.integers(-4, 28, 2)
        missing[max(y, 0) : y + rng.integers(5, 13), max(x, 0) : x + rng.integers(5, 13)] = True
    pixels, weights, distance = step_weights(missing, radius)
    assert sorted(pixels) == np.flatnonzero(missing).tolist()
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert not np.triu(weights[:, pixels]).any()  # nothing of itself, nothing of what comes later
    np.testing.assert_array_equal(distance < 0, missing.ravel())

    bright = 1e6 * rng.random(missing.shape, dtype=np.float32)
    bright[missing] = 0
    expected = cv2.inpaint(bright, missing.astype(np.uint8), radius, cv2.INPAINT_TELEA)
    filled = bright.ravel().astype(float)
    for pixel, row in zip(pixels, weights, strict=True):
        filled[pixel] = row @ filled
    # What OpenCV adds at each step is at most 1.5 + 0.5.
    np.testing.assert_allclose(filled.reshape(missing.shape), expected, atol=2 * len(pixels) ** 0.5 + 5)
