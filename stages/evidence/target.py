"""The data set that is attacked, and the restoration of what its method acted on."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from stages.attacks._learning.restorer import Restorer, Unchanged
from stages.attacks.restoration import train_restorer
from stages.core.boxes import Box, read_boxes, with_labels
from stages.core.datasets import Dataset
from stages.core.masks import Masks
from stages.core.params import RAW, Acting, Params, Variant
from stages.core.paths import DATA, DETECTIONS_FILE, RAW_FOLDER
from stages.core.people import read_people_by_path
from stages.core.seeding import order_key
from stages.methods.shared.method import find_method
from stages.regions.acting import act_on_regions, act_where
from stages.regions.groups import Groups, form_groups, uncovered
from stages.regions.masks import published_box

Change = Callable[[np.ndarray, str], np.ndarray]  # of an image and its path relative to the data set
# Of large photos, fewer pairs are enough to learn the inverse, and memory stays bounded.
MOST_PIXELS = 50_000_000


class Target(NamedTuple):
    """The data set that is attacked."""

    name: str
    acting: Acting
    boxes: dict[str, list[Box]]  # by path relative to the data set
    params: Params
    raw: Dataset
    images: Dataset  # its own
    masks: Masks | None  # where its method acted on silhouettes
    groups: Groups | None = None  # of a method that looks at the whole data set
    variant: Variant | None = None  # None: raw

    def change(self, image: np.ndarray, path: str, act: Callable[[np.ndarray, Box | None], np.ndarray]) -> np.ndarray:
        """Change an image where the variant changed it."""
        return act_where(image, self.boxes.get(path, ()), act, self.acting, self.silhouette(path))

    @property
    def grid_period(self) -> int:
        """After how many pixels the grid of the method's blocks repeats; 1: it has none."""
        variant = self.variant
        return 1 if variant is None else find_method(variant.method).grid_period(**variant.arguments)

    def silhouette(self, path: str) -> np.ndarray | None:
        """Return where people are in an image, if the variant acted there."""
        return None if self.masks is None else self.masks.read(path)

    def restore(self, image: np.ndarray, path: str, restorer: Restorer) -> np.ndarray:
        """Restore the part of an anonymized image that the restorer was trained on."""

        def restore(part: np.ndarray, box: Box | None) -> np.ndarray:
            restored, inner = part.copy(), _inner(self, part, box)
            restored[inner] = restorer.restore(np.ascontiguousarray(part[inner]))
            return restored

        return self.change(image, path, restore)


def load_target(dataset: str, params: Params) -> Target:
    """Return a data set to attack: raw or a variant."""
    variant = None if dataset == RAW else params.variant(dataset)
    acting = Acting() if variant is None else variant.acting
    boxes = with_labels(read_boxes(DETECTIONS_FILE), acting.labels)
    masks = Masks() if acting.shape == "mask" else None
    raw, images, groups = Dataset(RAW_FOLDER), Dataset(DATA / dataset), None
    if variant is not None and (fit := find_method(variant.method).fit) is not None:
        groups = form_groups(raw, boxes, read_people_by_path(), variant, fit, dataset)
        # The places of boxes are not published, but the places of what replaces them are.
        acting, boxes = groups.acting, {path: uncovered(own) for path, own in groups.boxes.items()}
    return Target(dataset, acting, boxes, params, raw, images, masks, groups, variant)


def train_target_restorer(target: Target, train: list[str]) -> Restorer:
    """Train the inverse of a data set's method on some of the training images."""
    params, variant = target.params, target.variant
    if variant is None:
        return Unchanged()
    chosen = sorted(train, key=lambda path: order_key(params.attack.seed, path))[: params.attack.reconstruction_images]
    anonymized: list[np.ndarray] = []
    raw: list[np.ndarray] = []
    for path in chosen:
        for images, parts in ((target.images, anonymized), (target.raw, raw)):
            parts += parts_acted_on(target, images.image(f"train/{path}"), f"train/{path}")
        if sum(part.shape[0] * part.shape[1] for part in anonymized) > MOST_PIXELS:
            break
    if not anonymized:
        return Unchanged()
    return train_restorer(
        anonymized,
        raw,
        period=target.grid_period,
        kernel=find_method(variant.method).blur_kernel(**variant.arguments),
        exact=params.attack.effort == "thorough",
    )


def parts_acted_on(target: Target, image: np.ndarray, path: str) -> list[np.ndarray]:
    """Return what the method made of an image: the whole, or of each region the inner part, at the method's scale."""
    if target.acting.where != "regions":
        return [image]
    parts: list[np.ndarray] = []

    def keep(part: np.ndarray, box: Box | None) -> np.ndarray:
        parts.append(part[_inner(target, part, box)])
        return part

    boxes = [published_box(box, image.shape[:2], target.acting) for box in target.boxes.get(path, ())]
    act_on_regions(image, boxes, keep, target.acting, target.silhouette(path))
    return parts


def _inner(target: Target, part: np.ndarray, box: Box | None) -> tuple[slice, slice]:
    """Return the largest rectangle in a region's shape; all of a part in blocks, as it has few of them."""
    if box is None or target.grid_period > 1:
        return slice(None), slice(None)
    acting, longer = target.acting, max(box.width, box.height)
    share = 1.0 if acting.shape in ("box", "square") else np.sqrt(0.5)

    def along(start: int, side: int, length: int) -> slice:
        # The part begins where the soft edge does, or at the image's border.
        before = min(start + side / 2, (1 + acting.feather) * (0.5 + acting.grow) * side)
        middle = before * acting.side / ((1 + 2 * acting.grow) * longer)
        half = share * acting.side * side / longer / 2
        first = min(max(0, round(middle - half)), length - 1)
        return slice(first, max(first + 1, min(length, round(middle + half))))

    return along(box.y, box.height, part.shape[0]), along(box.x, box.width, part.shape[1])
