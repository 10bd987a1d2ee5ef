"""What holds for every method, a new one too, and what its module declares for attackers."""

import importlib
from types import ModuleType

import numpy as np
import pytest

from stages.core.params.variants import Variant, method_names, read_variant


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"stages.methods.{name}")


# Arguments without what depends on an image's content as a whole, or on chance.
SETTINGS = [(name, arguments) for name in method_names() for arguments in module_of(name).EXAMPLES]
REACH = 16  # pixels that a border influences


def variant_of(name: str, **arguments) -> Variant:
    return read_variant(name, {"method": name, **arguments})


def traits(name: str) -> frozenset[str]:
    """Return what a method's module declares of it: ``mixes_channels``, ``sees_whole_image``."""
    return getattr(module_of(name), "TRAITS", frozenset())


def run(variant: Variant, image: np.ndarray) -> np.ndarray:
    name = "secret_rng" if variant.needs_secret else "rng"
    draws = {name: np.random.default_rng(0)} if variant.needs_secret or variant.seed is not None else {}
    return variant.method(image, **variant.arguments, **draws)


@pytest.mark.parametrize(("name", "arguments"), SETTINGS)
def test_any_size_gives_a_new_image_of_that_size_again_and_again(name, arguments):
    variant = variant_of(name, **arguments)
    for size in ((1, 1), (1, 2), (1, 60), (60, 1), (5, 7), (12, 12), (70, 64)):
        image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        before = image.copy()
        result = run(variant, image)
        assert (result.shape, result.dtype) == (image.shape, np.uint8)
        assert not np.shares_memory(result, image)
        np.testing.assert_array_equal(image, before)
        np.testing.assert_array_equal(run(variant, image), result)


@pytest.mark.parametrize(("name", "arguments"), SETTINGS)
def test_channels_do_not_mix(photo, name, arguments):
    if "mixes_channels" in traits(name):
        pytest.skip("its module says that they do")
    variant, image = variant_of(name, **arguments), photo(60, 50)
    result = run(variant, image)
    for channel in range(3):
        alone = np.zeros_like(image)
        alone[..., channel] = image[..., channel]
        np.testing.assert_array_equal(run(variant, alone)[..., channel], result[..., channel])


@pytest.mark.parametrize("name", method_names())
def test_an_image_moved_by_the_declared_period_gives_the_result_moved(name, photo):
    if "sees_whole_image" in traits(name):
        pytest.skip("its module says that a pixel depends on all others")
    variant, image = variant_of(name, **dict(SETTINGS[::-1])[name]), photo(97, 103)
    period = variant.declared("grid_period") or 1
    inside = slice(REACH, -REACH)

    def moves(pixels: int) -> float:
        """Return the share of values that differ if the image moves."""
        whole, moved = run(variant, image)[pixels:, pixels:], run(variant, image[pixels:, pixels:])
        return np.mean(np.abs(whole[inside, inside].astype(int) - moved[inside, inside]) > 1)

    assert moves(period) < 0.001, f"{name} must declare `grid_period`"
    assert period == 1 or moves(1) > 0.1


def test_the_declared_kernel_is_that_of_the_blur():
    variant = variant_of("gaussian_blur", sigma=3)
    kernel = variant.declared("blur_kernel")
    impulse = np.zeros((61, 61, 3), np.uint8)
    impulse[30, 30] = 255
    around = slice(30 - len(kernel) // 2, 31 + len(kernel) // 2)
    assert np.abs(run(variant, impulse)[around, around, 0] - 255 * np.outer(kernel, kernel)).max() <= 1
    assert variant_of("mask", value=1).declared("blur_kernel") is None
