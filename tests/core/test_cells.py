"""Which images are shown, and how they fit into a cell."""

import numpy as np
import pytest

from stages.core.cells import CELL, choose_images, fit_into_cell

PATHS = [f"{name}/{number}.png" for name in "abc" for number in range(20)]


@pytest.mark.parametrize(("count", "per_class"), [(3, 1), (6, 2), (60, 20), (99, 20)])
def test_classes_are_chosen_equally_often_and_by_the_seed_alone(count, per_class):
    chosen = choose_images(PATHS, count, seed=0)
    assert len(set(chosen)) == len(chosen)
    assert [sum(path.startswith(name) for path in chosen) for name in "abc"] == [per_class] * 3
    assert choose_images(PATHS[::-1], 99, seed=0)[:count] == chosen != choose_images(PATHS, count, seed=1)


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (300, 200), (CELL, CELL)])
def test_a_cell_is_square(size):
    assert fit_into_cell(np.zeros((*size, 3), np.uint8)).shape == (CELL, CELL, 3)


def test_an_image_is_centred_on_white_with_its_aspect_ratio():
    cell = fit_into_cell(np.zeros((32, 64, 3), np.uint8))
    expected = np.full((CELL, CELL, 3), 255, np.uint8)
    expected[CELL // 4 : -CELL // 4] = 0
    np.testing.assert_array_equal(cell, expected)
