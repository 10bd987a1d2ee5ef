"""Pixelation: means of blocks, cut-off ones included."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.methods.pixelation import pixelation


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 60))
@example(20, 31, 10_000)
@example(1, 50, 49)  # here `cv2.INTER_NEAREST` is a pixel off
@settings(max_examples=30, deadline=None)
def test_every_block_becomes_its_mean(height, width, size):
    image = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    result = pixelation(image, block_size=size)
    for y in range(0, height, size):
        for x in range(0, width, size):
            block = image[y : y + size, x : x + size].reshape(-1, 3).astype(int)
            mean = (2 * block.sum(axis=0) + len(block)) // (2 * len(block))
            assert (result[y : y + size, x : x + size] == mean).all()


def test_sums_of_large_white_images_fit():
    assert (pixelation(np.full((2000, 1700, 3), 255, np.uint8), block_size=2000) == 255).all()
