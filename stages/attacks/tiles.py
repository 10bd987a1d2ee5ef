"""Names people by details at full resolution, such as a badge, which the other attackers' small copies do not show."""

import cv2
import numpy as np

from stages.attacks.pooling import Distances

SIDE = 12  # pixels of a tile, around a corner
MOST_TILES = 64  # of an image, the most corner-like ones
AREA = 512  # pixels for each tile of a small image
DIMENSIONS = 32  # of a tile's description
MOST_IMAGES = 8  # known images of a person
REPEATS = 3  # known images in which a tile must recur, so that a place seen once counts for little
FAINT = 4.0  # grey levels, the contrast below which a tile is flat
ALIKE = 0.003  # squared distance of two tiles that are as good as the same


def cut_tiles(image: np.ndarray) -> np.ndarray:
    """Return the tiles around an image's strongest corners, (tiles, 144) float32, without brightness and contrast.

    There are none where nothing stands out.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    most = min(max(grey.size // AREA, 1), MOST_TILES)
    corners = cv2.goodFeaturesToTrack(grey, most, qualityLevel=0.01, minDistance=4)
    if corners is None:
        return np.empty((0, SIDE * SIDE), np.float32)
    half = SIDE // 2
    padded = cv2.copyMakeBorder(grey, half, half, half, half, cv2.BORDER_REPLICATE).astype(np.float32)
    tiles = np.stack([padded[y : y + SIDE, x : x + SIDE].ravel() for x, y in corners[:, 0].astype(int)])
    tiles -= tiles.mean(axis=1, keepdims=True)
    return tiles / np.maximum(np.linalg.norm(tiles, axis=1, keepdims=True), FAINT * SIDE)


def name_by_tiles(known: list[np.ndarray], people: np.ndarray, asked: list[np.ndarray]) -> Distances:
    """Name people by tiles that recur in images of one person, and of nobody else.

    `known` and `asked` are tiles of images, from `cut_tiles`; `people` says who is in each of the known ones, of which
    a person's first ones count. The distances are, of each tile, the logarithm of how much nearer a person is than the
    second nearest person, summed over tiles.

    References
    ----------
    .. [1] O. Boiman, E. Shechtman, M. Irani, "In defense of nearest-neighbor based image classification", CVPR 2008.
    .. [2] S. McCann, D. Lowe, "Local naive Bayes nearest neighbor for image classification", CVPR 2012.
    """
    names, person = np.unique(people, return_inverse=True)
    chosen = [np.flatnonzero(person == number)[:MOST_IMAGES] for number in range(len(names))]
    kept = [[known[place] for place in places if len(known[place])] for places in chosen]
    tiles = np.concatenate([tile for images in kept for tile in images] or [np.empty((0, SIDE * SIDE), np.float32)])
    far = np.zeros((len(asked), len(names)))
    if min(map(len, kept)) == 0:  # a person without tiles would be as far as can be from everything
        return Distances(names, far)
    axes = np.linalg.eigh(tiles[:: len(tiles) // 5000 + 1].T @ tiles[:: len(tiles) // 5000 + 1])[1][:, -DIMENSIONS:]
    tiles = tiles @ axes
    squares = (tiles**2).sum(axis=1)
    of_image = np.cumsum([0] + [len(tile) for images in kept for tile in images])[:-1]
    of_person = np.cumsum([0] + [len(images) for images in kept])
    for row, image in zip(far, asked, strict=True):
        if len(image):
            places = image @ axes
            apart = (places**2).sum(axis=1)[:, None] + squares - 2 * places @ tiles.T
            nearest = np.minimum.reduceat(apart, of_image, axis=1)
            parts = [nearest[:, start:stop] for start, stop in zip(of_person[:-1], of_person[1:], strict=True)]
            recurs = np.stack(
                [np.sort(part, axis=1)[:, : min(REPEATS, part.shape[1])][:, -1] for part in parts], axis=1
            )
            second = np.sort(recurs, axis=1)[:, 1:2]
            row += np.log((np.maximum(recurs, 0) + ALIKE) / (np.maximum(second, 0) + ALIKE)).clip(max=0).sum(axis=0)
    return Distances(names, far)
