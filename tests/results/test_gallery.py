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


@pytest.fixture
def data(tmp_path, monkeypatch, save_images):
    monkeypatch.chdir(tmp_path)
    for first_seed, dataset in ((0, "raw"), (100, "blur")):
        save_images(Path("data") / dataset / "test", PATHS, first_seed)


@pytest.mark.parametrize(("count", "per_class"), [(3, 1), (6, 2), (60, 20), (99, 20)])
def test_classes_are_chosen_equally_often(count, per_class):
    chosen = choose_images(PATHS, count, seed=0)
    assert len(set(chosen)) == len(chosen) == min(count, 60)
    assert [sum(path.startswith(name) for path in chosen) for name in "abc"] == [per_class] * 3


def test_choice_depends_on_the_seed_alone():
    assert choose_images(PATHS[::-1], 6, seed=0) == choose_images(PATHS, 6, seed=0)
    assert choose_images(PATHS, 6, seed=1) != choose_images(PATHS, 6, seed=0)


def test_smaller_choice_is_the_beginning_of_a_larger_one():
    assert choose_images(PATHS, 3, seed=0) == choose_images(PATHS, 9, seed=0)[:3]


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (300, 200), (CELL, CELL)])
def test_cell_is_square(size):
    assert fit_into_cell(np.zeros((*size, 3), np.uint8)).shape == (CELL, CELL, 3)


def test_image_is_centred_on_white_with_its_aspect_ratio():
    cell = fit_into_cell(np.zeros((32, 64, 3), np.uint8))
    dark = (cell == 0).all(axis=2)
    assert dark.sum() == CELL * CELL // 2
    assert dark[CELL // 4 : -CELL // 4].all()
    assert (cell[~dark] == 255).all()


def test_row_holds_the_same_images_of_every_data_set(data, noise):
    chosen = choose_images(PATHS, 4, seed=7)
    for first_seed, dataset in ((0, "raw"), (100, "blur")):
        write_gallery(dataset, seed=7)
        row = Path("data/gallery") / dataset
        assert len(list_images(row)) == min(MOST_CELLS, len(PATHS))
        for name, path in zip(list_images(row)[:4], chosen, strict=True):
            expected = fit_into_cell(noise(first_seed + PATHS.index(path)))
            assert np.array_equal(read_image(row / name), expected)


def test_rows_are_joined_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dataset, level in (("raw", 10), ("blur", 20)):
        for number in range(5):
            write_image(Path(f"data/gallery/{dataset}/{number:02d}.png"), np.full((CELL, CELL, 3), level, np.uint8))
    picture = join_gallery(["raw", "blur"], 3)
    assert picture.shape == (2 * (LABEL + CELL + GAP), 3 * (CELL + GAP) + GAP, 3)
    centres = [LABEL + CELL // 2, 2 * LABEL + CELL + GAP + CELL // 2]
    assert picture[centres, GAP + CELL // 2, 0].tolist() == [10, 20]
    assert (picture[:, :GAP] == 255).all()
    assert picture[:LABEL].min() < 100  # the name
    assert not np.array_equal(picture[:LABEL], picture[LABEL + CELL + GAP :][:LABEL])


def test_picture_of_no_data_sets_is_white():
    assert (join_gallery([], 3) == 255).all()
