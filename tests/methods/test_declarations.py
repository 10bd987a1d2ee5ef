"""What a method's module declares for attackers holds: a method that forgets to declare its grid fails here."""

import numpy as np
import pytest

from stages.core.params.variants import method_names, read_variant

# Without what depends on an image's content as a whole, or on chance.
ARGUMENTS = {
    "blocking_merging": {
        "block_size": 4,
        "pattern": "grid",
        "inpaint": "telea",
        "inpaint_radius": 5,
        "orb_features": 0,
        "seed": 0,
    },
    "dp_pix": {"block_size": 6, "epsilon": 1e6, "neighbourhood": 1},
    "gaussian_blur": {"sigma": 1.5},
    "mask": {"value": 90},
    "morphology": {"operation": "closing", "kernel_size": 3, "iterations": 2},
    "pixelation": {"block_size": 6},
}
REACH = 16  # pixels that a border influences


@pytest.mark.parametrize("name", method_names())
def test_an_image_moved_by_the_declared_period_gives_the_result_moved(name, photo):
    variant = read_variant(name, {"method": name, **ARGUMENTS[name]})
    period = variant.declared("grid_period") or 1
    image = photo(97, 103)
    draws = {"secret_rng": None} if variant.needs_secret else {} if variant.seed is None else {"rng": None}

    def run(image):
        return variant.method(image, **variant.arguments, **{key: np.random.default_rng(0) for key in draws}).astype(
            int
        )

    inside = slice(REACH, -REACH)
    whole, moved = run(image)[period:, period:][inside, inside], run(image[period:, period:])[inside, inside]
    difference = np.abs(whole - moved)
    assert np.mean(difference > 1) < 0.001, f"{name} must declare `grid_period`; it moves by {difference.max()} levels"
    if period > 1:
        other = run(image[1:, 1:])[inside, inside]
        assert np.mean(np.abs(run(image)[1:, 1:][inside, inside] - other) > 1) > 0.1


def test_the_declared_kernel_is_that_of_the_blur():
    variant = read_variant("blur", {"method": "gaussian_blur", "sigma": 3})
    kernel = variant.declared("blur_kernel")
    impulse = np.zeros((61, 61, 3), np.uint8)
    impulse[30, 30] = 255
    spread = variant.method(impulse, **variant.arguments)[..., 0]
    half = len(kernel) // 2
    expected = 255 * np.outer(kernel, kernel)
    assert np.abs(spread[30 - half : 31 + half, 30 - half : 31 + half] - expected).max() <= 1
    assert read_variant("m", {"method": "mask", "value": 1}).declared("blur_kernel") is None
