"""Blocking and merging: every pixel is inpainted from its surroundings, then ORB key points are put back."""

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

INPAINT = {"telea": cv2.INPAINT_TELEA, "navier_stokes": cv2.INPAINT_NS}


def blocking_merging(
    image: np.ndarray,
    *,
    block_size: Annotated[int, Ge(1), Le(1000)],
    pattern: Literal["grid", "random"],
    inpaint: Literal["telea", "navier_stokes"],
    inpaint_radius: Annotated[int, Ge(1), Le(100)],
    orb_features: Annotated[int, Ge(0), Le(100_000)],
    rng: np.random.Generator,
) -> np.ndarray:
    """Replace every block by an inpainting of its surroundings, and put back the pixels at ORB key points."""
    sets = deal_blocks(image.shape[:2], block_size, pattern, rng)
    merged = merge_with_opencv(image, sets, block_size, INPAINT[inpaint], inpaint_radius)
    put_back_key_points(image, merged, orb_features)
    return merged


def deal_blocks(shape: tuple[int, int], block_size: int, pattern: str, rng: np.random.Generator) -> np.ndarray:
    """Give the set (0 to 3) of every block: the four blocks of each 2 x 2 tile go to four different sets."""
    rows, columns = (-(-side // block_size) for side in shape)
    tile_rows, tile_columns = -(-rows // 2), -(-columns // 2)
    order = np.broadcast_to(np.arange(4), (tile_rows, tile_columns, 4))
    if pattern == "random":
        order = rng.permuted(order, axis=2)
    sets = order.reshape(tile_rows, tile_columns, 2, 2).swapaxes(1, 2).reshape(2 * tile_rows, 2 * tile_columns)
    return sets[:rows, :columns]


def merge_with_opencv(image: np.ndarray, sets: np.ndarray, block_size: int, flag: int, radius: int) -> np.ndarray:
    """Inpaint the missing blocks of each set and collect them in one image."""
    height, width = image.shape[:2]
    pixel_sets = sets.repeat(block_size, axis=0)[:height].repeat(block_size, axis=1)[:, :width]
    merged = np.empty_like(image)
    for number in np.unique(sets):
        missing = pixel_sets == number
        if missing.all():
            merged[:] = np.rint(image.mean(axis=(0, 1)))
            continue
        filled = cv2.inpaint(image, missing.astype(np.uint8), radius, flag)
        merged[missing] = filled[missing]
    return merged


def put_back_key_points(image: np.ndarray, merged: np.ndarray, orb_features: int) -> None:
    """Copy the original pixel at each ORB key point into the merged image."""
    if orb_features == 0:
        return
    key_points = cv2.ORB_create(nfeatures=orb_features).detect(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    for point in key_points:
        x, y = round(point.pt[0]), round(point.pt[1])
        merged[y, x] = image[y, x]
