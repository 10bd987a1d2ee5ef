"""The same few test images of every data set, side by side."""

from collections.abc import Callable, Collection
from pathlib import Path

import cv2
import numpy as np

from stages.core.files import new_folder
from stages.core.images import class_of, list_images, read_image, resize_image, write_image
from stages.core.parallel import map_bounded
from stages.core.params import RAW, Params
from stages.core.seeding import order_key

DATA = Path("data")
GALLERY = DATA / "gallery"
RESTORED = DATA / "restored"
SAMPLE = "data/sample"  # drawn, so nobody is on its images
CELL = 256  # pixels
MOST_CELLS = 16  # images of a row: the most that `compare.gallery_images` asks for, so that it reruns `compare` alone
GAP = 8  # pixels
LABEL = 40  # pixels
FONT = cv2.FONT_HERSHEY_DUPLEX


def choose_images(paths: list[str], count: int, seed: int) -> list[str]:
    """Choose images by seed, of as many classes as possible.

    Parameters
    ----------
    paths : list of str
        Relative paths of test images.
    count : int
        How many to choose.
    seed : int
        Of the choice.

    Returns
    -------
    list of str
        At most `count` paths.

    Examples
    --------
    >>> [path[0] for path in sorted(choose_images(["a/1.png", "a/2.png", "b/1.png"], 2, seed=0))]
    ['a', 'b']
    """
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, str]] = []
    for path in sorted(paths, key=lambda path: order_key(seed, path)):
        ranked.append((seen.get(class_of(path), 0), len(ranked), path))
        seen[class_of(path)] = seen.get(class_of(path), 0) + 1
    return [path for _, _, path in sorted(ranked)[:count]]


def fit_into_cell(image: np.ndarray) -> np.ndarray:
    """Scale an image into a square cell of `CELL` pixels, on white, its aspect ratio kept.

    Parameters
    ----------
    image : numpy.ndarray
        (height, width, 3) uint8.

    Returns
    -------
    numpy.ndarray
        (CELL, CELL, 3) uint8.
    """
    scale = CELL / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    cell = np.full((CELL, CELL, 3), 255, np.uint8)
    top, left = (CELL - height) // 2, (CELL - width) // 2
    cell[top : top + height, left : left + width] = resize_image(image, (height, width))
    return cell


def write_gallery(
    dataset: str,
    seed: int,
    *,
    gallery: Path = GALLERY,
    change: Callable[[np.ndarray], np.ndarray] = lambda image: image,
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
        What to do with each image, (height, width, 3) uint8, before it is shown.
    """
    source = DATA / dataset / "test"
    chosen = choose_images(list_images(source), MOST_CELLS, seed)
    with new_folder(gallery / dataset) as folder:
        cells = map_bounded(lambda path: fit_into_cell(change(read_image(source / path))), chosen)
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
    for dataset in datasets:
        cells = [read_image(GALLERY / dataset / name) for name in list_images(GALLERY / dataset)[:count]]
        padded = [cv2.copyMakeBorder(cell, 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=(255,) * 3) for cell in cells]
        row = np.concatenate(padded, axis=1)
        label = np.full((LABEL, row.shape[1], 3), 255, np.uint8)
        cv2.putText(label, dataset, (0, LABEL - 12), FONT, 0.8, (30, 30, 30), 1, cv2.LINE_AA)
        rows += [label, row]
    picture = np.concatenate(rows)
    return cv2.copyMakeBorder(picture, 0, 0, GAP, 0, cv2.BORDER_CONSTANT, value=(255,) * 3)


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
        show = "all" if params.data.source == SAMPLE else "protecting"
    allowed = {
        "all": params.datasets,
        "anonymized": [dataset for dataset in params.datasets if dataset != RAW],
        "protecting": protecting,
        "none": (),
    }[show]
    return [dataset for dataset in params.datasets if dataset in allowed]
