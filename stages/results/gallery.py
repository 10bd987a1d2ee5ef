"""The same few test images of every data set, side by side."""

from collections.abc import Callable, Collection
from pathlib import Path

import cv2
import numpy as np

from stages.core.cells import CELL, MOST_CELLS, choose_images, fit_into_cell
from stages.core.datasets import Dataset
from stages.core.files import new_folder
from stages.core.images import list_images, read_image, write_image
from stages.core.parallel import map_bounded
from stages.core.params import RAW, Params
from stages.core.paths import DATA, GALLERY, OUTLINED, SAMPLE

GAP = 8  # pixels
LABEL = 40  # pixels
FONT = cv2.FONT_HERSHEY_DUPLEX


def write_gallery(
    dataset: str,
    seed: int,
    *,
    gallery: Path = GALLERY,
    change: Callable[[np.ndarray, str], np.ndarray] = lambda image, path: image,
) -> None:
    """Write a data set's row of the gallery to `data/gallery/<dataset>/`, or of another one: `MOST_CELLS` images.

    Parameters
    ----------
    dataset : str
        ``raw`` or a variant.
    seed : int
        Of the choice; the same images are chosen in every data set.
    gallery : pathlib.Path, default=GALLERY
        Folder of the rows.
    change : callable, optional
        What to do with each image, (height, width, 3) uint8, before it is shown; called with its path relative to the
        data set too.
    """
    source = Dataset(DATA / dataset)
    chosen = [f"test/{path}" for path in choose_images(source.paths("test"), MOST_CELLS, seed)]
    with new_folder(gallery / dataset) as folder:
        cells = map_bounded(lambda path: fit_into_cell(change(source.image(path), path)), chosen)
        for number, cell in enumerate(cells):
            write_image(folder / f"{number:02d}.png", cell)


def join_gallery(datasets: list[str], count: int) -> np.ndarray:
    """Join the rows of several data sets into one picture, each under its name.

    Parameters
    ----------
    datasets : list of str
        Rows from top to bottom.
    count : int
        How many images of each row.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, RGB, on white; without data sets, all white.
    """
    rows = [] if datasets else [np.full((LABEL, CELL, 3), 255, np.uint8)]
    for name, folder in gallery_folders(datasets):
        cells = [read_image(folder / cell) for cell in list_images(folder)[:count]]
        padded = [cv2.copyMakeBorder(cell, 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=(255,) * 3) for cell in cells]
        row = np.concatenate(padded, axis=1)
        label = np.full((LABEL, row.shape[1], 3), 255, np.uint8)
        cv2.putText(label, name, (0, LABEL - 12), FONT, 0.8, (30, 30, 30), 1, cv2.LINE_AA)
        rows += [label, row]
    picture = np.concatenate(rows)
    return cv2.copyMakeBorder(picture, 0, 0, GAP, 0, cv2.BORDER_CONSTANT, value=(255,) * 3)


def gallery_folders(datasets: list[str]) -> list[tuple[str, Path]]:
    """Return the rows of the gallery: the data sets, and raw images with their regions, if there are any.

    Parameters
    ----------
    datasets : list of str
        The data sets that may be shown.

    Returns
    -------
    list of tuple
        Name and folder of each row.
    """
    folders = [(dataset, GALLERY / dataset) for dataset in datasets]
    if RAW in datasets and any(OUTLINED.glob("*.png")):
        folders.insert(datasets.index(RAW) + 1, ("regions", OUTLINED))
    return folders


def shown_datasets(params: Params, protecting: Collection[str]) -> list[str]:
    """Return the data sets whose images may be shown in files that git tracks.

    Parameters
    ----------
    params : Params
        `compare.show_images` says which; ``auto`` shows all of the embedded sample, where nobody is real, and of other
        sources only the variants that protect.
    protecting : collection of str
        The variants that protect enough to be recommended.

    Returns
    -------
    list of str
        In the order of `datasets`.
    """
    show: str = params.compare.show_images
    if show == "auto":
        show = "all" if Path(params.data.source) == SAMPLE else "protecting"
    allowed = {
        "all": params.datasets,
        "anonymized": [dataset for dataset in params.datasets if dataset != RAW],
        "protecting": protecting,
        "none": (),
    }[show]
    return [dataset for dataset in params.datasets if dataset in allowed]
