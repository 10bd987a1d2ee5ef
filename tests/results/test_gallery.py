"""The gallery: the same images of every data set, of all classes, in one picture."""

from pathlib import Path

import numpy as np

from stages.core.cells import MOST_CELLS, choose_images, fit_into_cell
from stages.core.images import list_images, read_image
from stages.results.gallery import write_gallery

PATHS = [f"{name}/{number}.png" for name in "abc" for number in range(20)]


def test_a_row_holds_the_same_images_of_every_data_set(working_folder, noise, save_images):
    for first_seed, dataset in ((0, "raw"), (100, "blur")):
        save_images(Path("data") / dataset / "test", PATHS, first_seed)
        write_gallery(dataset, seed=7)
        row = Path("data/gallery") / dataset
        for name, path in zip(list_images(row), choose_images(PATHS, MOST_CELLS, seed=7), strict=True):
            expected = fit_into_cell(noise(first_seed + PATHS.index(path)))
            assert np.array_equal(read_image(row / name), expected)
