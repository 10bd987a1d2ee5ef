"""Blocking and merging: every block is inpainted from its surroundings, then ORB key points are put back."""

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

from stages.methods.shared.block_maps import merge_with_maps
from stages.methods.shared.method import Method

FLAGS = {"telea": cv2.INPAINT_TELEA, "navier_stokes": cv2.INPAINT_NS}
BLANK = 128
ORB_BORDER = 31  # pixels in which there are no key points


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
    """Inpaint every block of an image from the blocks around it, and put back the pixels at ORB key points.

    Four steps: (1) cut the image into blocks and deal the four blocks of every 2 x 2 tile to four sets; (2) for each
    set, take its blocks out of the image and inpaint them from the rest; (3) merge the inpainted blocks of the four
    sets into one image, in which no original pixel is left; (4) put back the original pixel at each ORB key point.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image.
    block_size : int
        Side of the blocks in pixels, 1 to 1000; those at the right and the bottom may be cut off. An image of a single
        block becomes its mean colour.
    pattern : {"grid", "random"}
        Deal the blocks of a tile by their place in it, or by a draw from `rng` for each tile.
    inpaint : {"telea", "navier_stokes"}
        Method of inpainting [1]_ [2]_.
    inpaint_radius : int
        Reach of the inpainting in pixels, 1 to 100.
    orb_features : int
        The largest number of ORB key points [3]_ to put back, 0 to 100,000; 0 turns the step off. ORB finds none within
        31 pixels of the border.
    rng : numpy.random.Generator
        Source of the draw, which only the pattern "random" makes.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The merged image.

    Notes
    -----
    "navier_stokes" is OpenCV's. "telea" is OpenCV's as a linear map, which differs from it by 1 grey level on average
    and rarely by more than 4. Where the map would be too large, it is OpenCV's own: at a radius of 5, with blocks of
    more than 34 pixels (14 with pattern "random"); with blocks of 12, at a radius of more than 10.

    References
    ----------
    .. [1] A. Telea, "An image inpainting technique based on the fast marching method", Journal of Graphics Tools 9(1),
       2004.
    .. [2] M. Bertalmio, A. Bertozzi, G. Sapiro, "Navier-Stokes, fluid dynamics, and image and video inpainting", CVPR
       2001.
    .. [3] E. Rublee, V. Rabaud, K. Konolige, G. Bradski, "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((4, 8, 3), np.uint8)
    >>> image[:, 4:] = 200
    >>> options = {"pattern": "grid", "inpaint": "telea", "inpaint_radius": 3, "orb_features": 0}
    >>> blocking_merging(image, block_size=4, rng=np.random.default_rng(0), **options)[0, :, 0] > 100
    array([ True,  True,  True,  True, False, False, False, False])
    """
    sets = deal_blocks(image.shape[:2], block_size, pattern, rng)
    merged = merge_with_maps(image, sets, block_size, inpaint_radius, pattern) if inpaint == "telea" else None
    if merged is None:
        merged = merge_with_opencv(image, sets, block_size, FLAGS[inpaint], inpaint_radius)
    put_back_key_points(image, merged, orb_features)
    return merged


def deal_blocks(shape: tuple[int, int], block_size: int, pattern: str, rng: np.random.Generator) -> np.ndarray:
    """Return the set (0 to 3) of every block: int, shape (rows, columns)."""
    rows, columns = (-(-length // block_size) for length in shape)
    tiles = -(-rows // 2), -(-columns // 2)
    order = np.broadcast_to(np.arange(4), (*tiles, 4))
    if pattern == "random":
        order = rng.permuted(order, axis=2)
    sets = order.reshape(*tiles, 2, 2).swapaxes(1, 2).reshape(2 * tiles[0], 2 * tiles[1])
    return sets[:rows, :columns]


def merge_with_opencv(image: np.ndarray, sets: np.ndarray, block_size: int, flag: int, radius: int) -> np.ndarray:
    """Inpaint the missing blocks of each set and collect them in one image."""
    height, width = image.shape[:2]
    pixel_sets = sets.repeat(block_size, axis=0)[:height].repeat(block_size, axis=1)[:, :width]
    for axis, side in enumerate((height, width)):
        if side == 1:  # OpenCV reads beyond the end of a single row or column
            image, pixel_sets = image.repeat(2, axis=axis), pixel_sets.repeat(2, axis=axis)
    merged = np.empty_like(image)
    for number in np.unique(sets):
        missing = pixel_sets == number
        if missing.all():
            merged[:] = np.rint(image.mean(axis=(0, 1)))
            continue
        # At the image's borders, OpenCV looks at some missing pixels before it has filled them.
        known = np.where(missing[:, :, None], np.uint8(BLANK), image)
        filled = cv2.inpaint(known, missing.astype(np.uint8), radius, flag)
        np.copyto(merged, filled, where=missing[:, :, None])
    return merged[:height, :width].copy()


def put_back_key_points(image: np.ndarray, merged: np.ndarray, orb_features: int) -> None:
    """Copy the original pixel at each ORB key point into the merged image."""
    if orb_features == 0 or min(image.shape[:2]) <= 2 * ORB_BORDER:  # on tiny images OpenCV's detector fails
        return
    key_points = cv2.ORB_create(nfeatures=orb_features).detect(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    x, y = np.rint(cv2.KeyPoint_convert(key_points)).astype(int).reshape(-1, 2).T
    merged[y, x] = image[y, x]


_GRID = {"block_size": 4, "pattern": "grid", "inpaint": "telea", "inpaint_radius": 5, "orb_features": 0, "seed": 0}
METHOD = Method(
    blocking_merging,
    grid_period=lambda *, block_size, **_: 2 * block_size,
    examples=(_GRID, _GRID | {"pattern": "random", "inpaint_radius": 3}, _GRID | {"inpaint": "navier_stokes"}),
)
