"""Pixelation: means of blocks, cut-off ones included."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.methods.pixelation import pixelation


def plain(image: np.ndarray, size: int) -> np.ndarray:
    result = np.empty_like(image)
    for y in range(0, image.shape[0], size):
        for x in range(0, image.shape[1], size):
            block = image[y : y + size, x : x + size].astype(int)
            count = block.shape[0] * block.shape[1]
            result[y : y + size, x : x + size] = (2 * block.sum(axis=(0, 1)) + count) // (2 * count)
    return result


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 60))
@settings(max_examples=80, deadline=None)
def test_every_block_becomes_its_mean(height, width, block_size):
    image = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = image.copy()
    np.testing.assert_array_equal(pixelation(image, block_size=block_size), plain(image, block_size))
    np.testing.assert_array_equal(image, before)


def test_known_answer():
    image = np.array([[0, 1, 10], [2, 3, 20]], np.uint8)[:, :, None].repeat(3, axis=2)
    assert pixelation(image, block_size=2)[:, :, 0].tolist() == [[2, 2, 15], [2, 2, 15]]


def test_a_block_far_larger_than_the_image(photo):
    image = photo(20, 31)
    np.testing.assert_array_equal(pixelation(image, block_size=10_000), plain(image, 10_000))


def test_sums_of_large_white_images_fit():
    white = np.full((2000, 1700, 3), 255, np.uint8)
    assert (pixelation(white, block_size=2000) == 255).all()
