"""How alike two images are: peak signal-to-noise ratio and structural similarity."""

import cv2
import numpy as np

BEST_PSNR = 100.0  # dB, given to equal images, whose ratio is infinite


def psnr(image: np.ndarray, reference: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio over all channels.

    Parameters
    ----------
    image, reference : numpy.ndarray
        (height, width, 3) uint8.

    Returns
    -------
    float
        In dB, at most `BEST_PSNR`.

    Examples
    --------
    >>> black = np.zeros((2, 2, 3), np.uint8)
    >>> round(psnr(black + 1, black), 2)
    48.13
    """
    error = np.mean((image.astype(np.float32) - reference) ** 2, dtype=np.float64)
    return BEST_PSNR if error == 0 else min(BEST_PSNR, float(10 * np.log10(255**2 / error)))


def ssim(image: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean structural similarity of the luma.

    Parameters
    ----------
    image, reference : numpy.ndarray
        (height, width, 3) uint8, RGB.

    Returns
    -------
    float
        1 for equal images.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural similarity.
    IEEE TIP 13(4), 2004. Window and constants are the paper's.

    Examples
    --------
    >>> image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    >>> ssim(image, image)
    1.0
    """
    first, second = (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float64) for one in (image, reference))

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_1, mean_2 = mean(first), mean(second)
    variances = mean(first * first) - mean_1**2 + mean(second * second) - mean_2**2
    covariance = mean(first * second) - mean_1 * mean_2
    c_1, c_2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_1 * mean_2 + c_1) * (2 * covariance + c_2)
    return float(np.mean(likeness / ((mean_1**2 + mean_2**2 + c_1) * (variances + c_2))))
