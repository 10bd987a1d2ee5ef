"""Lets any method act on the regions of an image alone, or on all but them."""

from collections.abc import Callable, Sequence

import numpy as np

from stages.core.boxes import Box
from stages.core.images import resize_image
from stages.regions.masks import Outline, region_mask

Act = Callable[[np.ndarray, Box], np.ndarray]


def act_on_regions(image: np.ndarray, boxes: Sequence[Box], act: Act, outline: Outline, *, side: int) -> np.ndarray:
    """Anonymize the regions of an image, each scaled so that a strength in pixels means the same for all.

    Regions are done from the smallest to the largest, each on what the ones before left, so that where they overlap
    nothing is put back.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image.
    boxes : sequence of Box
        The regions.
    act : callable
        The method: called with a part of the image at the scale that `side` sets, uint8 of shape (h, w, 3), and the
        region's box; returns an array of that shape and type.
    outline : Outline
        Of the masks; the soft edge lies around the shape.
    side : int
        Longer side of each grown box in pixels, at the scale at which `act` sees it.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Equal to `image` outside the masks. Inside the shapes, made from what `act` returned alone.

    Examples
    --------
    >>> image = np.zeros((4, 6, 3), np.uint8)
    >>> outline = Outline("box", grow=0, feather=0)
    >>> act_on_regions(image, [Box(1, 1, 2, 2)], lambda part, box: part + 9, outline, side=8)[..., 0]
    array([[0, 0, 0, 0, 0, 0],
           [0, 9, 9, 0, 0, 0],
           [0, 9, 9, 0, 0, 0],
           [0, 0, 0, 0, 0, 0]], dtype=uint8)
    """
    result = image.copy()
    for box in sorted(boxes, key=lambda box: (box.area, box[:4])):
        mask = region_mask(image.shape[:2], box, outline)
        part = result[mask.rows, mask.columns]
        if part.size:
            scale = side / ((1 + 2 * outline.grow) * max(box.width, box.height))
            height, width = part.shape[:2]
            scaled = resize_image(part, (max(1, round(height * scale)), max(1, round(width * scale))))
            replaced = resize_image(act(scaled, box), (height, width))
            result[mask.rows, mask.columns] = blend(part, replaced, mask.weights)
    return result


def act_on_background(image: np.ndarray, boxes: Sequence[Box], anonymized: np.ndarray, outline: Outline) -> np.ndarray:
    """Put the regions of an image back into the anonymized image.

    Parameters
    ----------
    image, anonymized : ndarray of uint8, shape (height, width, 3)
        RGB image, before and after.
    boxes : sequence of Box
        The regions.
    outline : Outline
        Of the masks; the soft edge lies inside the shape.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Equal to `anonymized` outside the shapes.
    """
    kept = np.zeros(image.shape[:2], np.float32)
    for box in boxes:
        mask = region_mask(image.shape[:2], box, outline, inwards=True)
        part = kept[mask.rows, mask.columns]
        np.maximum(part, mask.weights, out=part)
    return blend(anonymized, image, kept)


def blend(image: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mix two images of one shape; where a weight is 0 or 1, the result is the one or the other, bit by bit."""
    mixed = image + weights[..., None] * (other.astype(np.float32) - image)
    return np.rint(mixed).astype(np.uint8)
