"""Texture: random colours at all scales, of which nothing is the image's."""

import cv2
import numpy as np

from stages.methods.shared.method import Method

_STRONGEST = 90.0  # grey levels, standard deviation of the colours of one scale


def texture(image: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Replace an image by random colours, smooth and sharp, coarse and fine.

    As nothing of the image is left, it protects like `mask`. A network that is trained on it sees something else there
    each time, learns to make nothing of that place, and is not confused by people there later [1]_.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image; only its shape matters.
    rng : numpy.random.Generator
        Draws the colours.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The colours.

    References
    ----------
    .. [1] J. Tobin, R. Fong, A. Ray, J. Schneider, W. Zaremba, P. Abbeel, "Domain randomization for transferring deep
       neural networks from simulation to the real world", IROS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    >>> black, white = (texture(image, rng=np.random.default_rng(0)) for image in images)
    >>> bool((black == white).all()), bool(black.std() > 20)
    (True, True)
    """
    height, width = image.shape[:2]
    colours = np.full((height, width, 3), rng.uniform(0, 255, 3), np.float32)
    cells = 1
    while cells < max(height, width):
        strength, is_smooth = rng.uniform(0, _STRONGEST), rng.integers(2)
        drawn = rng.normal(0, strength, (cells + 1, cells + 1, 3)).astype(np.float32)
        way = cv2.INTER_LINEAR if is_smooth else cv2.INTER_NEAREST
        colours += cv2.resize(drawn, (width, height), interpolation=way)
        cells *= 2
    return np.rint(np.clip(colours, 0, 255)).astype(np.uint8)


METHOD = Method(texture, examples=({"seed": 0},), sees_whole_image=True)
