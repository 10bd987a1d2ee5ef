"""The gallery: the same images of every data set, of all classes, in one picture."""

from pathlib import Path

import numpy as np
import pytest

from stages.core.images import list_images, read_image, write_image
from stages.results.gallery import (
    CELL,
    GAP,
    LABEL,
    MOST_CELLS,
    choose_images,
    fit_into_cell,
    join_gallery,
    write_gallery,
)

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


def test_a_row_holds_the_same_images_of_every_data_set(tmp_path, monkeypatch, noise, save_images):
    monkeypatch.chdir(tmp_path)
    for first_seed, dataset in ((0, "raw"), (100, "blur")):
        save_images(Path("data") / dataset / "test", PATHS, first_seed)
        write_gallery(dataset, seed=7)
        row = Path("data/gallery") / dataset
        for name, path in zip(list_images(row), choose_images(PATHS, MOST_CELLS, seed=7), strict=True):
            expected = fit_into_cell(noise(first_seed + PATHS.index(path)))
            assert np.array_equal(read_image(row / name), expected)


def test_rows_are_joined_from_top_to_bottom_under_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dataset, level in (("raw", 10), ("blur", 20)):
        for number in range(5):
            write_image(Path(f"data/gallery/{dataset}/{number:02d}.png"), np.full((CELL, CELL, 3), level, np.uint8))
    picture = join_gallery(["raw", "blur"], 3)
    assert picture.shape == (2 * (LABEL + CELL + GAP), 3 * (CELL + GAP) + GAP, 3)
    centres = [LABEL + CELL // 2, 2 * LABEL + CELL + GAP + CELL // 2]
    assert picture[centres, GAP + CELL // 2, 0].tolist() == [10, 20]
    assert picture[:LABEL].min() < 100
    assert not np.array_equal(picture[:LABEL], picture[LABEL + CELL + GAP :][:LABEL])
    assert (join_gallery([], 3) == 255).all()
