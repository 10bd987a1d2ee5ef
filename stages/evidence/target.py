"""The data set that is attacked, and the ways to look at its images: whole, and cut to their main region."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.core.boxes import Box
from stages.core.images import SPLITS, resize_image
from stages.core.params import Acting, Params
from stages.regions.acting import act_on_regions, act_where
from stages.regions.crops import main_region, square_crop

DATA = Path("data")
Change = Callable[[np.ndarray, str], np.ndarray]  # of an image and its path relative to the data set


class Target(NamedTuple):
    """The data set that is attacked."""

    name: str
    acting: Acting
    boxes: dict[str, list[Box]]  # by path relative to the data set
    params: Params

    def change(self, image: np.ndarray, path: str, act: Callable[[np.ndarray, Box | None], np.ndarray]) -> np.ndarray:
        """Change an image where the variant changed it."""
        return act_where(image, self.boxes.get(path, ()), act, self.acting)


def parts_acted_on(target: Target, image: np.ndarray, path: str) -> list[np.ndarray]:
    """Return what the method sees of an image: the whole, or its regions at the scale at which it acts on them."""
    if target.acting.where != "regions":
        return [image]
    parts: list[np.ndarray] = []

    def keep(part: np.ndarray, box: Box | None) -> np.ndarray:
        parts.append(part)
        return part

    act_on_regions(image, target.boxes.get(path, ()), keep, target.acting)
    return parts


class View(NamedTuple):
    """What an attacker looks at."""

    name: str
    prefix: str  # of the names of its attacks and of what they found
    look: Change
    shows: Callable[[str], bool]  # whether there is anything to look at, by path relative to the data set


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
        return square_crop(image, main_region(target.boxes[path]), size)

    return [whole, View("regions", "region_", look, target.boxes.__contains__)]
