"""Lets any method act on the regions of an image alone, or on all but them."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from stages.core.boxes import Box
from stages.core.images import resize_image
from stages.core.params import Acting
from stages.regions.masks import published_box, region_mask

_CONTEXT = 0.25  # of a box's longer side: how far around it a fill sees
Fill = Callable[[np.ndarray, Box, np.ndarray], np.ndarray]  # of a part, its region, and what is to be filled there
Act = Callable[[np.ndarray, Box | None], np.ndarray]  # of a whole image, or of a part and its region


def draw_name(path: str, box: Box | None) -> str:
    """Return what a public draw is named for: an image's path, with the place of a region."""
    return path if box is None else f"{path} {' '.join(map(str, box[:4]))}"


def act_where(
    image: np.ndarray, boxes: Sequence[Box], act: Act, acting: Acting, silhouette: np.ndarray | None = None
) -> np.ndarray:
    """Change an image where a variant acts; `act` is the method, or what undoes it."""
    boxes = [published_box(box, image.shape[:2], acting) for box in boxes]
    if acting.where == "regions":
        return act_on_regions(image, boxes, act, acting, silhouette)
    changed = act(image, None)
    if acting.where == "image":
        return changed
    kept = np.zeros(image.shape[:2], np.float32)  # of the original; the soft edge lies inside the shape
    for box in boxes:
        mask = region_mask(image.shape[:2], box, acting, inwards=True, silhouette=silhouette)
        part = kept[mask.rows, mask.columns]
        np.maximum(part, mask.weights, out=part)
    return blend(changed, image, kept)


def act_on_regions(
    image: np.ndarray, boxes: Sequence[Box], act: Act, acting: Acting, silhouette: np.ndarray | None = None
) -> np.ndarray:
    """Anonymize the regions of an image, each scaled so that a strength in pixels means the same for all.

    Regions are done from the smallest to the largest, each on what the ones before left, so that where they overlap
    nothing is put back.

    Examples
    --------
    >>> image = np.zeros((4, 6, 3), np.uint8)
    >>> acting = Acting(where="regions", shape="box", grow=0, feather=0)
    >>> act_on_regions(image, [Box(1, 1, 2, 2)], lambda part, box: part + 9, acting)[..., 0]
    array([[0, 0, 0, 0, 0, 0],
           [0, 9, 9, 0, 0, 0],
           [0, 9, 9, 0, 0, 0],
           [0, 0, 0, 0, 0, 0]], dtype=uint8)
    """
    result = image.copy()
    for box in sorted(boxes, key=lambda box: (box.area, box[:4])):
        mask = region_mask(image.shape[:2], box, acting, silhouette=silhouette)
        part = result[mask.rows, mask.columns]
        if part.size:
            height, width, _ = part.shape
            scaled = resize_image(part, _scaled(part.shape, box, acting))
            replaced = resize_image(act(scaled, box), (height, width))
            result[mask.rows, mask.columns] = blend(part, replaced, mask.weights)
    return result


def pixels_moved(box: Box, acting: Acting) -> int:
    """Return how many pixels, of a region as `act_on_regions` scales it, depend on one pixel of the image.

    Examples
    --------
    >>> [pixels_moved(Box(0, 0, side, side), Acting(grow=0, side=128)) for side in (32, 128, 512)]
    [64, 1, 4]
    >>> pixels_moved(Box(0, 0, 128, 128), Acting(grow=0, side=128, snap=0.1))  # its box may be larger
    4
    """
    scale = _scale(box, acting)
    return math.ceil(2 * scale) ** 2 if scale > 1 else 1 if scale == 1 and not acting.snap else 4


def fill_regions(
    image: np.ndarray, boxes: Sequence[Box], fill: Fill, acting: Acting, silhouette: np.ndarray | None = None
) -> np.ndarray:
    """Fill the regions of an image from what is around them, and from nothing that lies in any of them."""
    height, width = image.shape[:2]
    boxes = [published_box(box, (height, width), acting) for box in boxes]
    masks = [region_mask((height, width), box, acting, silhouette=silhouette) for box in boxes]
    hole = np.zeros((height, width), np.float32)
    for mask in masks:
        hole[mask.rows, mask.columns][mask.weights > 0] = 1
    known, result = np.where(hole[..., None] > 0, np.uint8(0), image), image.copy()
    for box, mask in zip(boxes, masks, strict=True):
        if not mask.weights.size:
            continue
        margin = max(2, math.ceil(_CONTEXT * max(box.width, box.height)))
        rows, columns = (
            slice(max(part.start - margin, 0), min(part.stop + margin, length))
            for part, length in zip((mask.rows, mask.columns), (height, width), strict=True)
        )
        size = rows.stop - rows.start, columns.stop - columns.start
        scaled = _scaled(size, box, acting)
        is_hole = resize_image(hole[rows, columns], scaled) > 0
        filled = fill(resize_image(known[rows, columns], scaled), box, is_hole)
        top, left = mask.rows.start - rows.start, mask.columns.start - columns.start
        down, across = mask.weights.shape
        filled = resize_image(filled, size)[top : top + down, left : left + across]
        result[mask.rows, mask.columns] = blend(result[mask.rows, mask.columns], filled, mask.weights)
    return result


def _scale(box: Box, acting: Acting) -> float:
    return acting.side / ((1 + 2 * acting.grow) * max(box.width, box.height))


def _scaled(shape: tuple[int, ...], box: Box, acting: Acting) -> tuple[int, int]:
    scale = _scale(box, acting)
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def blend(image: np.ndarray, replacement: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mix two images of one shape; where a weight is 0 or 1, the result is the one or the other, bit by bit."""
    mixed = image + weights[..., None] * (replacement.astype(np.float32) - image)
    return np.rint(mixed).astype(np.uint8)
