"""Noise that is known comes off."""

import numpy as np
import pytest

from stages.attacks.noise import subtract_noise


@pytest.mark.parametrize(
    ("original", "noise", "found"),
    [(20, 200, 20), (240, -200, 240), (100, 200, (55 + 255) // 2), (100, -200, 200 // 2), (100, 300, 255 // 2)],
    ids=["bright", "dark", "clipped bright", "clipped dark", "nothing left"],
)
def test_all_that_an_image_tells_is_found_under_noise_of_any_size(original, noise, found):
    def add(image, *, secret_rng):
        return np.clip(image + np.float64(noise), 0, 255).astype(np.uint8)

    image = add(np.full((1, 1, 3), original, np.uint8), secret_rng=None)
    assert subtract_noise(image, add, {}, np.random.default_rng(0)).tolist() == [[[found] * 3]]
