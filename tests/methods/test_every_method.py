"""What holds for every method, a new one too, and what its record tells attackers."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from stages.core.params.variants import Acting, Variant, _read_signature, method_names, read_variant
from stages.methods.shared.method import find_method

METHODS = {name: find_method(name) for name in method_names()}
# Arguments without what depends on an image's content as a whole, or on chance.
SETTINGS = [(name, arguments) for name, method in METHODS.items() for arguments in method.examples]
REACH = 16  # pixels that a border influences


def variant_of(name: str, **arguments) -> Variant:
    where = "regions" if "hole" in inspect.signature(METHODS[name].apply).parameters else "image"
    return read_variant(name, {"method": name, "where": where, **arguments})


def run(variant: Variant, image: np.ndarray) -> np.ndarray:
    name = "secret_rng" if variant.needs_secret else "rng"
    draws = {name: np.random.default_rng(0)} if variant.needs_secret or variant.seed is not None else {}
    if variant.fills:
        draws["hole"] = np.zeros(image.shape[:2], bool)
        draws["hole"][image.shape[0] // 3 :, image.shape[1] // 3 :] = True
    if variant.needs_fit:
        draws["fitted"] = np.full((9, 9, 3), 90, np.uint8)
    return METHODS[variant.method].apply(image, **variant.arguments, **draws)


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
    if METHODS[name].mixes_channels:
        pytest.skip("its record says that they do")
    variant, image = variant_of(name, **arguments), photo(60, 50)
    result = run(variant, image)
    for channel in range(3):
        alone = np.zeros_like(image)
        alone[..., channel] = image[..., channel]
        np.testing.assert_array_equal(run(variant, alone)[..., channel], result[..., channel])


@pytest.mark.parametrize("name", METHODS)
def test_an_image_moved_by_the_declared_period_gives_the_result_moved(name, photo):
    if METHODS[name].sees_whole_image:
        pytest.skip("its record says that a pixel depends on all others")
    variant, image = variant_of(name, **dict(SETTINGS[::-1])[name]), photo(97, 103)
    if variant.fills:
        pytest.skip("it fills a hole")
    period = METHODS[name].grid_period(**variant.arguments)
    inside = slice(REACH, -REACH)

    def moves(pixels: int) -> float:
        """Return the share of values that differ if the image moves."""
        whole, moved = run(variant, image)[pixels:, pixels:], run(variant, image[pixels:, pixels:])
        return np.mean(np.abs(whole[inside, inside].astype(int) - moved[inside, inside]) > 1)

    assert moves(period) < 0.001, f"{name} must declare `grid_period`"
    assert period == 1 or moves(1) > 0.1


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_made_of_its_file_and_of_what_methods_share_as_stages_depend_on_no_more(name):
    tree = ast.parse(Path(inspect.getfile(METHODS[name].apply)).read_text())
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [module for module in modules if re.match(r"stages\b(?!\.methods\.shared\.)", module)] == []


@pytest.mark.parametrize("name", METHODS)
def test_each_argument_is_read_from_the_file_as_python_reads_it(name):
    arguments = list(inspect.signature(METHODS[name].apply).parameters.values())[1:]
    file = Path(inspect.getfile(METHODS[name].apply))
    assert _read_signature(file) == {argument.name: argument.annotation for argument in arguments}
    assert not set(Acting.model_fields) & {argument.name for argument in arguments}


def test_the_declared_kernel_is_that_of_the_blur():
    variant = variant_of("gaussian_blur", sigma=3)
    kernel = METHODS["gaussian_blur"].blur_kernel(sigma=3)
    impulse = np.zeros((61, 61, 3), np.uint8)
    impulse[30, 30] = 255
    around = slice(30 - len(kernel) // 2, 31 + len(kernel) // 2)
    assert np.abs(run(variant, impulse)[around, around, 0] - 255 * np.outer(kernel, kernel)).max() <= 1
    assert METHODS["mask"].blur_kernel(value=1) is None
