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
    """Write a data set's row of a gallery: the same `MOST_CELLS` images in every data set, changed by path."""
    source = Dataset(DATA / dataset)
    chosen = [f"test/{path}" for path in choose_images(source.paths("test"), MOST_CELLS, seed)]
    with new_folder(gallery / dataset) as folder:
        cells = map_bounded(lambda path: fit_into_cell(change(source.image(path), path)), chosen)
        for number, cell in enumerate(cells):
            write_image(folder / f"{number:02d}.png", cell)


def join_gallery(datasets: list[str], count: int) -> np.ndarray:
    """Join the first images of several data sets' rows into one picture on white, each row under its name."""
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
    """Return name and folder of each row: the data sets, and raw images with their regions, if there are any."""
    folders = [(dataset, GALLERY / dataset) for dataset in datasets]
    if RAW in datasets and any(OUTLINED.glob("*.png")):
        folders.insert(datasets.index(RAW) + 1, ("regions", OUTLINED))
    return folders


def pictured_datasets(params: Params, protecting: Collection[str]) -> list[str]:
    """Return the data sets whose images may be shown in files that git tracks, as `compare.show_images` says."""
    show: str = params.compare.show_images
    if show == "auto":  # nobody of the embedded sample is real
        show = "all" if Path(params.data.source) == SAMPLE else "protecting"
    anonymized = [dataset for dataset in params.datasets if dataset != RAW]
    allowed = {"all": params.datasets, "anonymized": anonymized, "protecting": protecting, "none": ()}[show]
    return [dataset for dataset in params.datasets if dataset in allowed]
