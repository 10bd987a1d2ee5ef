"""What survives unchanged: key points that are found again in their place, and pixels."""

import cv2
import numpy as np

FEATURES = 1000
DISTANCE = 64  # of 256 bits: the usual bound of a good ORB match
SHIFT = 2.0  # pixels that a key point may have moved
SMALLEST = 32  # pixels: ORB finds nothing within 31 of a border, and fails on a few


def keypoint_survival(original: np.ndarray, anonymized: np.ndarray) -> float | None:
    """Return the share of an image's ORB key points that are still there, in the same place and looking the same.

    A key point survives if one of the anonymized image's lies within 2 pixels of it, their descriptors differ in at
    most 64 of 256 bits, and each is the other's nearest among all that lie within 2 pixels.

    Parameters
    ----------
    original : ndarray of uint8, shape (height, width, 3)
        RGB image.
    anonymized : ndarray of uint8, shape (height, width, 3)
        The same image, anonymized.

    Returns
    -------
    float or None
        From 0 to 1; None if the original has no key points, being too small or too flat.

    Raises
    ------
    ValueError
        If the images are not of one shape and uint8 RGB.

    References
    ----------
    .. [1] E. Rublee, V. Rabaud, K. Konolige, G. Bradski, "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    >>> keypoint_survival(image, image), keypoint_survival(image, np.zeros_like(image))
    (1.0, 0.0)
    """
    _check(original, anonymized)
    places, words = _key_points(original)
    if not len(places):
        return None
    found, found_words = _key_points(anonymized)
    if not len(found):
        return 0.0
    bits = np.unpackbits(words, axis=1).astype(np.float32)
    found_bits = np.unpackbits(found_words, axis=1).astype(np.float32)
    # The number of differing bits of all pairs, as products of 0 and 1: exact in float32.
    distance = bits.sum(1)[:, None] + found_bits.sum(1) - 2 * bits @ found_bits.T
    near = ((places[:, None] - found) ** 2).sum(axis=2) <= SHIFT**2
    distance[~near] = np.inf
    nearest = distance.argmin(axis=1)
    mutual = distance[np.arange(len(places)), nearest] <= distance.min(axis=0)[nearest]
    survived = mutual & (distance[np.arange(len(places)), nearest] <= DISTANCE)
    return float(survived.mean())


def unchanged_pixels(original: np.ndarray, anonymized: np.ndarray) -> float:
    """Return the share of pixels that are the same in all three channels.

    Parameters
    ----------
    original : ndarray of uint8, shape (height, width, 3)
        RGB image.
    anonymized : ndarray of uint8, shape (height, width, 3)
        The same image, anonymized.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If the images are not of one shape and uint8 RGB.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((2, 2, 3), np.uint8)
    >>> changed = image.copy()
    >>> changed[0, 0, 2] = 1
    >>> unchanged_pixels(image, changed)
    0.75
    """
    _check(original, anonymized)
    return float((original == anonymized).all(axis=2).mean())


def _key_points(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the places (n, 2) and descriptors (n, 32) of an image's ORB key points."""
    points: tuple = ()
    if min(image.shape[:2]) >= SMALLEST:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        points, words = cv2.ORB_create(nfeatures=FEATURES).detectAndCompute(grey, None)
    if not points:
        return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    return cv2.KeyPoint_convert(points), words


def _check(original: np.ndarray, anonymized: np.ndarray) -> None:
    if original.shape != anonymized.shape or original.ndim != 3 or original.shape[2] != 3:
        raise ValueError(
            "`original` and `anonymized` must both be of shape (height, width, 3). "
            f"Received: {original.shape} and {anonymized.shape}"
        )
    if original.dtype != np.uint8 or anonymized.dtype != np.uint8:
        raise ValueError(
            f"`original` and `anonymized` must be of type uint8. Received: {original.dtype} and {anonymized.dtype}"
        )
