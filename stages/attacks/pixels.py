"""How much of an image's pixels the anonymized image keeps, and how much the restored one gets back."""

import cv2
import numpy as np

from stages.core.images import resize_image

BEST_PSNR = 100.0  # dB, given to equal images, whose ratio is infinite
FEATURES = 1000  # ORB key points of an image, at most
DISTANCE = 64  # of 256 bits: the usual bound of a good ORB match
SHIFT = 2.0  # pixels that a key point may have moved
SMALLEST = 32  # pixels: ORB finds nothing within 31 of a border, and fails on a few
KEY_POINT_SIDE = 128  # pixels: a smaller image is enlarged to it, as key points near the border are not found


def measure_pixels(original: np.ndarray, anonymized: np.ndarray, restored: np.ndarray) -> dict[str, float | None]:
    """Compare an image, or a part of one, with its anonymized and restored versions; ORB sees small ones enlarged."""
    return {
        "psnr": psnr(anonymized, original),
        "psnr_restored": psnr(restored, original),
        "ssim_restored": ssim(restored, original),
        "keypoint_survival": keypoint_survival(_enlarged(original), _enlarged(anonymized)),
        "unchanged_pixels": unchanged_pixels(original, anonymized),
    }


def psnr(image: np.ndarray, reference: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio over all channels, in dB, at most `BEST_PSNR`.

    >>> black = np.zeros((2, 2, 3), np.uint8)
    >>> round(psnr(black + 1, black), 2)
    48.13
    """
    error = np.mean((image.astype(np.float32) - reference) ** 2, dtype=np.float64)
    return BEST_PSNR if error == 0 else min(BEST_PSNR, float(10 * np.log10(255**2 / error)))


def ssim(image: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean structural similarity of the luma; 1 for equal images.

    References
    ----------
    .. [1] Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image quality assessment: from error visibility to structural
       similarity", IEEE TIP 13(4), 2004. Window and constants are the paper's.
    """
    first, second = (cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float64) for part in (image, reference))

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_1, mean_2 = mean(first), mean(second)
    variances = mean(first * first) - mean_1**2 + mean(second * second) - mean_2**2
    covariance = mean(first * second) - mean_1 * mean_2
    c_1, c_2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_1 * mean_2 + c_1) * (2 * covariance + c_2)
    return float(np.mean(similarity / ((mean_1**2 + mean_2**2 + c_1) * (variances + c_2))))


def keypoint_survival(original: np.ndarray, anonymized: np.ndarray) -> float | None:
    """Return the share of an image's ORB key points that are still there, in the same place and looking the same.

    A key point survives if one of the anonymized image's lies within 2 pixels of it, their descriptors differ in at
    most 64 of 256 bits, and each is the other's nearest among all that lie within 2 pixels. The result is None if the
    original has no key points, being too small or too flat.

    References
    ----------
    .. [1] E. Rublee, V. Rabaud, K. Konolige, G. Bradski, "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.
    """
    places, descriptors = _key_points(original)
    if not len(places):
        return None
    found, found_descriptors = _key_points(anonymized)
    if not len(found):
        return 0.0
    bits, found_bits = (np.unpackbits(part, axis=1).astype(np.float32) for part in (descriptors, found_descriptors))
    # The number of differing bits of all pairs, as products of 0 and 1: exact in float32.
    distance = bits.sum(1)[:, None] + found_bits.sum(1) - 2 * bits @ found_bits.T
    near = ((places[:, None] - found) ** 2).sum(axis=2) <= SHIFT**2
    distance[~near] = np.inf
    nearest = distance.argmin(axis=1)
    own = distance[np.arange(len(places)), nearest]
    return float(((own <= distance.min(axis=0)[nearest]) & (own <= DISTANCE)).mean())


def unchanged_pixels(original: np.ndarray, anonymized: np.ndarray) -> float:
    """Return the share of pixels that are the same in all three channels."""
    return float((original == anonymized).all(axis=2).mean())


def _key_points(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places (n, 2) and descriptors (n, 32) of an image's ORB key points."""
    points: tuple = ()
    if min(image.shape[:2]) >= SMALLEST:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        points, descriptors = cv2.ORB_create(nfeatures=FEATURES).detectAndCompute(grey, None)
    if not points:
        return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    return cv2.KeyPoint_convert(points), descriptors


def _enlarged(image: np.ndarray) -> np.ndarray:
    scale = KEY_POINT_SIDE / min(image.shape[:2])
    if scale <= 1:
        return image
    height, width = (min(round(side * scale), 4 * KEY_POINT_SIDE) for side in image.shape[:2])
    return resize_image(image, (height, width))
