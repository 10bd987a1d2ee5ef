"""The gallery: the same images of every data set, of all classes, in one picture."""

from pathlib import Path

import numpy as np

from stages.core.cells import CELL, MOST_CELLS, choose_images, fit_into_cell
from stages.core.images import list_images, read_image, write_image
from stages.results.gallery import GAP, LABEL, join_gallery, write_gallery

PATHS = [f"{name}/{number}.png" for name in "abc" for number in range(20)]


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
