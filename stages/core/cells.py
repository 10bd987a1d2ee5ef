"""Chooses a few images to be shown, and fits each into a square cell, so that pictures of several stages line up."""

import numpy as np

from stages.core.images import class_of, resize_image
from stages.core.seeding import order_key

CELL = 256  # pixels
MOST_CELLS = 16  # images of a row: the most that `compare.gallery_images` asks for, so that it reruns `compare` alone


def choose_images(paths: list[str], count: int, seed: int) -> list[str]:
    """Choose images by seed, of as many classes as possible.

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


def scale_to_cell(image: np.ndarray) -> np.ndarray:
    """Scale an image so that its longer side is `CELL` pixels long, its aspect ratio kept."""
    scale = CELL / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return resize_image(image, (height, width))


def fit_into_cell(image: np.ndarray) -> np.ndarray:
    """Scale an image into a square cell of `CELL` pixels, on white, its aspect ratio kept."""
    scaled = scale_to_cell(image)
    height, width = scaled.shape[:2]
    cell = np.full((CELL, CELL, 3), 255, np.uint8)
    top, left = (CELL - height) // 2, (CELL - width) // 2
    cell[top : top + height, left : left + width] = scaled
    return cell
