"""Morphology against the smallest and largest pixels under the square."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.methods.morphology import morphology

# What a pass does: the extreme that it takes, and what lies beyond the borders.
PASSES = {"erosion": (np.min, 255), "dilation": (np.max, 0)}
ORDER = {"opening": ("erosion", "dilation"), "closing": ("dilation", "erosion")}


def passed(image: np.ndarray, kind: str, size: int) -> np.ndarray:
    extreme, beyond = PASSES[kind]
    reach = (size // 2, (size - 1) // 2)
    padded = np.pad(image, (reach, reach, (0, 0)), constant_values=beyond)
    return extreme(np.lib.stride_tricks.sliding_window_view(padded, (size, size), (0, 1)), axis=(3, 4))


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([*PASSES, *ORDER]), st.integers(1, 9), st.integers(1, 3))
@example(9, 14, "closing", 1000, 3)
@settings(max_examples=60, deadline=None)
def test_each_pass_takes_the_extreme_under_the_square(height, width, operation, kernel_size, iterations):
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = image
    for kind in ORDER.get(operation, (operation,)):
        for _ in range(iterations):
            expected = passed(expected, kind, min(kernel_size, 41))
    result = morphology(image, operation=operation, kernel_size=kernel_size, iterations=iterations)
    np.testing.assert_array_equal(result, expected)
