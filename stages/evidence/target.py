"""The data set that is attacked, and the ways to look at its images: whole, and cut to their main region."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from stages.attacks._learning.restorer import Restorer
from stages.core.boxes import REGION, Box
from stages.core.datasets import Dataset
from stages.core.images import SPLITS, resize_image
from stages.core.params import Acting, Params
from stages.methods.shared.method import find_method
from stages.regions.acting import act_on_regions, act_where
from stages.regions.crops import around, main_region, square_crop

Change = Callable[[np.ndarray, str], np.ndarray]  # of an image and its path relative to the data set


class Target(NamedTuple):
    """The data set that is attacked."""

    name: str
    acting: Acting
    boxes: dict[str, list[Box]]  # by path relative to the data set
    params: Params
    raw: Dataset
    images: Dataset  # its own

    def change(self, image: np.ndarray, path: str, act: Callable[[np.ndarray, Box | None], np.ndarray]) -> np.ndarray:
        """Change an image where the variant changed it."""
        return act_where(image, self.boxes.get(path, ()), act, self.acting)


def parts_acted_on(target: Target, image: np.ndarray, path: str) -> list[np.ndarray]:
    """Return what the method made of an image: the whole, or of each region the inner part, at the method's scale.

    Parameters
    ----------
    target : Target
        The data set.
    image : numpy.ndarray
        (height, width, 3) uint8.
    path : str
        Of the image, relative to the data set.

    Returns
    -------
    list of numpy.ndarray
        (height, width, 3) uint8.
    """
    if target.acting.where != "regions":
        return [image]
    parts: list[np.ndarray] = []

    def keep(part: np.ndarray, box: Box | None) -> np.ndarray:
        parts.append(part[_inner(target, part, box)])
        return part

    act_on_regions(image, target.boxes.get(path, ()), keep, target.acting)
    return parts


def restore_parts(target: Target, image: np.ndarray, path: str, restorer: Restorer) -> np.ndarray:
    """Restore of an image what `parts_acted_on` returns, and leave the rest.

    Parameters
    ----------
    target : Target
        The data set.
    image : numpy.ndarray
        (height, width, 3) uint8, anonymized.
    path : str
        Of the image, relative to the data set.
    restorer : Restorer
        Trained on such parts.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8.
    """

    def restore(part: np.ndarray, box: Box | None) -> np.ndarray:
        restored, inner = part.copy(), _inner(target, part, box)
        restored[inner] = restorer.restore(np.ascontiguousarray(part[inner]))
        return restored

    return target.change(image, path, restore)


def _inner(target: Target, part: np.ndarray, box: Box | None) -> tuple[slice, slice]:
    """Return the largest rectangle in a region's shape; all of a part in blocks, as it has few of them."""
    if box is None:
        return slice(None), slice(None)
    variant = target.params.variant(target.name)
    if find_method(variant.method).grid_period(**variant.arguments) > 1:
        return slice(None), slice(None)
    acting, longer = target.acting, max(box.width, box.height)
    share = np.sqrt(0.5) if acting.shape == "ellipse" else 1.0

    def along(start: int, side: int, length: int) -> slice:
        # The part begins where the soft edge does, or at the image's border.
        before = min(start + side / 2, (1 + acting.feather) * (0.5 + acting.grow) * side)
        middle = before * acting.side / ((1 + 2 * acting.grow) * longer)
        half = share * acting.side * side / longer / 2
        first = min(max(0, round(middle - half)), length - 1)
        return slice(first, max(first + 1, min(length, round(middle + half))))

    return along(box.y, box.height, part.shape[0]), along(box.x, box.width, part.shape[1])


class View(NamedTuple):
    """What an attacker looks at."""

    name: str
    prefix: str  # of the names of its attacks and of what they found
    look: Change
    shows: Callable[[str], bool]  # whether there is anything to look at, by path relative to the data set


def face_view(target: Target, size: int) -> View:
    """Return the way in which a face recognizer looks at a data set: at the main region, with its aspect ratio."""

    def look(image: np.ndarray, path: str) -> np.ndarray:
        return square_crop(image, main_region(target.boxes[path]), size)

    return View("faces", REGION, look, target.boxes.__contains__)


def make_views(target: Target, size: int) -> list[View]:
    """Return the ways to look at a data set.

    Parameters
    ----------
    target : Target
        The data set.
    size : int
        Side in pixels of what is looked at.

    Returns
    -------
    list of View
        Whole images; and their main regions, where images in train and in test have regions.
    """
    whole = View("images", "", lambda image, _: resize_image(image, (size, size)), lambda _: True)
    if not all(any(path.startswith(f"{split}/") for path in target.boxes) for split in SPLITS):
        return [whole]

    def look(image: np.ndarray, path: str) -> np.ndarray:
        # Stretched, as the sides of a box are not published, and would tell people apart.
        part = around(main_region(target.boxes[path]), image.shape[:2])
        return resize_image(image[part], (size, size))

    return [whole, View("regions", REGION, look, target.boxes.__contains__)]
