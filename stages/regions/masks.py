"""Masks of regions: how much of each pixel a variant replaces, in the part of the image that a region reaches.

And how well they cover the known regions: a region left open shows the person in it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from stages.core.boxes import Box
from stages.core.params import Acting

COVERED = 0.9  # share of a region that must be covered for it not to count as missed
_GRID = 128  # a larger region is judged at this scale
_SPANNED = 0.7  # of both sides of a box: a silhouette that spans less may be a neighbour's that reaches in


class Mask(NamedTuple):
    """What a region covers of an image."""

    rows: slice
    columns: slice
    weights: np.ndarray  # (rows, columns) float32: 1 = replaced, 0 = kept, between on the soft edge


def snapped(box: Box, size: tuple[int, int], share: float) -> Box:
    """Enlarge a box until its edges lie on a grid, so that its size and place tell little of who is in it."""
    step = share * max(size)
    if step == 0:
        return box
    x, y = (math.floor(math.floor(start / step) * step) for start in (box.x, box.y))
    right, bottom = (math.ceil(math.ceil(end / step) * step) for end in (box.x + box.width, box.y + box.height))
    return box._replace(x=x, y=y, width=right - x, height=bottom - y)


def published_box(box: Box, size: tuple[int, int], acting: Acting) -> Box:
    """Return the box that a variant acts on: on the grid of `snap`, and of equal sides if `shape` is of that kind."""
    box = snapped(box, size, acting.snap)
    if acting.shape not in ("circle", "square"):
        return box
    longer = max(box.width, box.height)
    return box._replace(
        x=box.x - (longer - box.width) // 2, y=box.y - (longer - box.height) // 2, width=longer, height=longer
    )


def region_mask(
    size: tuple[int, int],
    box: Box,
    acting: Acting,
    *,
    inwards: bool = False,
    silhouette: np.ndarray | None = None,
) -> Mask:
    """Return the mask of a region, empty outside the image; the soft edge lies around the shape, or inside.

    Examples
    --------
    >>> mask = region_mask((6, 8), Box(2, 1, 2, 2), Acting(shape="box", grow=0.5, feather=0))
    >>> mask.rows, mask.columns, mask.weights.min()
    (slice(0, 4, None), slice(1, 5, None), np.float32(1.0))
    >>> region_mask((1, 6), Box(0, 0, 4, 1), Acting(shape="box", grow=0, feather=0.5)).weights
    array([[1. , 1. , 1. , 1. , 0.5]], dtype=float32)
    """
    reach = 1 if inwards else 1 + acting.feather
    half_height, half_width = ((0.5 + acting.grow) * side for side in (box.height, box.width))
    rows, down = _axis(size[0], box.y + box.height / 2, half_height, reach)
    columns, across = _axis(size[1], box.x + box.width / 2, half_width, reach)
    person = np.zeros((), np.float32)
    if acting.shape == "mask" and silhouette is not None and silhouette[rows, columns].any():
        edge = acting.feather * min(half_height, half_width)
        person = _silhouette_weights(silhouette[rows, columns], edge, inwards=inwards)
        if inwards or _spans(silhouette, box):
            return Mask(rows, columns, person)
    distance = (
        np.maximum(down[:, None], across) if acting.shape in ("box", "square") else np.hypot(down[:, None], across)
    )
    if acting.feather == 0:
        return Mask(rows, columns, np.maximum((distance <= 1).astype(np.float32), person))
    weights = np.clip((reach - distance) / acting.feather, 0, 1).astype(np.float32)
    return Mask(rows, columns, np.maximum(weights, person))


def _spans(silhouette: np.ndarray, box: Box) -> bool:
    inside = silhouette[max(box.y, 0) : max(box.y + box.height, 0), max(box.x, 0) : max(box.x + box.width, 0)]
    if not inside.any():
        return False
    hits = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
    return all(np.ptp(hit) + 1 >= _SPANNED * side for hit, side in zip(hits, inside.shape, strict=True))


def _silhouette_weights(silhouette: np.ndarray, edge: float, *, inwards: bool) -> np.ndarray:
    """Return the weights of a silhouette with a soft edge of `edge` pixels."""
    if edge == 0:
        return silhouette.astype(np.float32)
    # Distances of pixels inside to the border if the edge lies inside, else of pixels around it to the silhouette.
    measured = silhouette if inwards else ~silhouette
    padded = np.pad(measured.astype(np.uint8), 1, constant_values=1)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.clip(distance / edge if inwards else 1 - distance / edge, 0, 1).astype(np.float32)


def _axis(length: int, centre: float, half: float, reach: float) -> tuple[slice, np.ndarray]:
    # Pixel i has its centre at i + 0.5.
    start = min(max(int(np.ceil(centre - reach * half - 0.5)), 0), length)
    stop = min(max(int(np.floor(centre + reach * half - 0.5)) + 1, start), length)
    return slice(start, stop), np.abs(np.arange(start, stop) + 0.5 - centre) / half


def count_missed(given: dict[str, list[Box]], used: dict[str, list[Box]], acting: Acting) -> int:
    """Count the given regions, by image, that a variant's regions cover by less than `COVERED`."""
    return sum(
        covered_share(box, used.get(path, ()), acting) < COVERED for path, boxes in given.items() for box in boxes
    )


def covered_share(box: Box, used: Sequence[Box], acting: Acting) -> float:
    """Return how much of the ellipse in a box lies in the masks of other boxes, without their soft edges.

    Examples
    --------
    >>> acting = Acting(shape="box", grow=0)
    >>> face = Box(10, 10, 20, 20)
    >>> covered_share(face, [Box(10, 10, 10, 20)], acting), covered_share(face, [Box(8, 8, 24, 24)], acting)
    (0.5, 1.0)
    """
    scale = min(1, _GRID / max(box.width, box.height))
    height, width = (max(1, round(side * scale)) for side in (box.height, box.width))
    region = region_mask((height, width), Box(0, 0, width, height), Acting(grow=0, feather=0)).weights == 1
    covered = np.zeros((height, width), bool)
    for cover in used:
        x, y = (round((start - first) * scale) for start, first in ((cover.x, box.x), (cover.y, box.y)))
        across, down = (max(1, round(side * scale)) for side in (cover.width, cover.height))
        mask = region_mask((height, width), Box(x, y, across, down), acting)
        covered[mask.rows, mask.columns] |= mask.weights == 1
    return float(covered[region].mean())
