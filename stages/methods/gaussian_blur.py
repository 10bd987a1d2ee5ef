"""Gaussian blur of the whole image, at a cost that does not grow with its width."""

from functools import lru_cache
from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge, Le

from stages.methods.shared.method import Method

FAINT = 1e-3  # cosines that the blur damps to less than this share are dropped: far below one grey level in sum
CHUNK_BYTES = 2**22  # of the image in double precision at a time

_SIZES = 4  # lengths of an axis whose cosines are kept for the next image


def gaussian_blur(image: np.ndarray, *, sigma: Annotated[float, Ge(0), Le(1000)]) -> np.ndarray:
    """Blur an image with a Gaussian.

    As ``cv2.GaussianBlur`` does on 8-bit images: the kernel ends 3 `sigma` from its centre, and the image is mirrored
    at its borders, without repeating the border pixel. While the kernel is small, the result is within 1 grey level of
    OpenCV's. Where it is large (from a `sigma` of 13 at 500 x 375 pixels), the result is within 1 grey level of the
    exact blur, because OpenCV rounds its weights to 1/256 and is off by some levels there.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image.
    sigma : float
        Standard deviation in pixels, 0 to 1000; 0 changes nothing.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The blurred image.

    References
    ----------
    .. [1] G. Strang, "The discrete cosine transform", SIAM Review 41(1), 1999, for the cosines of mirrored borders.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((1, 5, 3), np.uint8)
    >>> image[0, 2] = 100
    >>> gaussian_blur(image, sigma=0.8)[0, :, 0]
    array([ 4, 23, 50, 23,  4], dtype=uint8)
    """
    if sigma == 0:
        return image.copy()
    kernel = blur_kernel(sigma=sigma)
    height, width = image.shape[:2]
    if len(kernel) ** 2 <= 7 * (height + width):  # about where the number of cosines falls below the kernel's size
        kernel = _eight_bits(kernel)
        return cv2.sepFilter2D(image, -1, kernel, kernel)
    return _blur_with_cosines(image, _gains(sigma, height), _gains(sigma, width))


def blur_kernel(*, sigma: float) -> np.ndarray:
    """Return one axis of the kernel, (n,) float64, for attackers who know the method."""
    return cv2.getGaussianKernel(round(sigma * 6 + 1) | 1, sigma, cv2.CV_64F)[:, 0] if sigma > 0 else np.ones(1)


def _eight_bits(kernel: np.ndarray) -> np.ndarray:
    """Round to multiples of 1/256 as OpenCV does: the error of each weight is passed on to the next."""
    exact, error, middle = (kernel * 256).tolist(), 0.0, len(kernel) // 2
    whole = np.zeros(len(kernel), np.float32)
    for place in range(middle):
        whole[place] = whole[-1 - place] = round(exact[place] + error)
        error += exact[place] - whole[place]
    whole[middle] = 256 - whole.sum()
    return whole / 256


@lru_cache(_SIZES)
def _gains(sigma: float, length: int) -> np.ndarray:
    """Return the share that the kernel leaves of each cosine of an axis, up to the last one that matters."""
    kernel = blur_kernel(sigma=sigma)
    distance = np.arange(len(kernel)) - len(kernel) // 2
    count = min(length, 8 * length // len(kernel) + 2)  # 4 standard deviations of its frequency response
    frequency = np.pi * np.arange(count) / max(length - 1, 1)
    gains = (np.cos(frequency[:, None] * distance) * kernel).sum(axis=1)
    return gains[: np.flatnonzero(np.abs(gains) > FAINT)[-1] + 1]


def _blur_with_cosines(image: np.ndarray, gains_down: np.ndarray, gains_across: np.ndarray) -> np.ndarray:
    """Write the mirrored image as a sum of cosines, damp each, and add up again.

    All entries are multiples of powers of two, so that the sums are exact in double precision: the result has the same
    bytes whatever the number of threads.
    """
    height, width = image.shape[:2]
    analysis, synthesis = _cosines(height, len(gains_down))
    columns = max(1, CHUNK_BYTES // (24 * height))
    strips = [
        analysis @ image[:, start : start + columns].reshape(height, -1).astype(float)
        for start in range(0, width, columns)
    ]
    terms: np.ndarray = _steps(np.concatenate(strips, axis=1), 18).reshape(-1, width, 3)
    across, back = _cosines(width, len(gains_across))
    terms = across @ terms
    terms *= gains_down[:, None, None] * gains_across[:, None]
    terms = _steps(back @ _steps(terms, 18), 18).reshape(len(gains_down), -1)
    blurred = np.empty_like(image)
    for start in range(0, width, columns):
        stop = min(start + columns, width)
        part = synthesis @ terms[:, 3 * start : 3 * stop]
        np.rint(part, out=part)
        blurred[:, start:stop] = np.clip(part, 0, 255, out=part).reshape(height, -1, 3)
    return blurred


@lru_cache(_SIZES)
def _cosines(length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices from an axis to its lowest cosines (DCT-I) and back."""
    cosines = np.cos(np.pi / max(length - 1, 1) * np.outer(np.arange(count), np.arange(length)))
    weights = np.full(length, 1 / max(length - 1, 1))
    weights[[0, -1]] /= 2 if length > 1 else 1
    double = np.where(np.isin(np.arange(count), (0, length - 1)), 1, 2)
    return _steps(cosines * weights * double[:, None], 24), _steps(cosines.T, 16)


def _steps(values: np.ndarray, bits: int) -> np.ndarray:
    """Round to multiples of 2**-bits."""
    values = values * 2.0**bits
    return np.rint(values, out=values) * 2.0**-bits


METHOD = Method(gaussian_blur, blur_kernel=blur_kernel, examples=({"sigma": 1.5}, {"sigma": 30}))
