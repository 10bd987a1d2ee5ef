"""Chooses the best inverse of a method: the attacker knows the method, its strength, and pairs of training images."""

import numpy as np

from stages.attacks._learning.patches import PatchNetwork
from stages.attacks._learning.restorer import Restorer, Unchanged
from stages.attacks._learning.ridge import RidgeInverse
from stages.attacks._learning.rounding import WithinRounding
from stages.attacks._learning.wiener import WienerInverse
from stages.attacks.pixels import psnr

_LARGEST_PERIOD = 32  # pixels; above it there are too few pixels for each place in the grid
_VALIDATION = 5  # every fifth pair decides


def train_restorer(
    anonymized: list[np.ndarray],
    raw: list[np.ndarray],
    *,
    period: int = 1,
    kernel: np.ndarray | None = None,
    exact: bool = False,
) -> Restorer:
    """Train the inverses that fit a method, and return the best on pairs that they were not trained on.

    They are ridge regression from a neighbourhood to its centre [1]_, Wiener deconvolution of a known blur [2]_, and on
    top of the better one a small network [3]_, then optimization through the rounding to 8 bits [4]_. On the pairs that
    decide, the best is never worse than doing nothing.

    Parameters
    ----------
    anonymized, raw : list of ndarray of uint8, shape (height, width, 3)
        Training pairs of RGB images.
    period : int, default=1
        After how many pixels the method's grid repeats; 1 for a method without a grid.
    kernel : ndarray of float, shape (n,), optional
        One axis of the kernel, for a method that is a separable, symmetric blur.
    exact : bool, default=False
        With `kernel`, also try to optimize each image, which takes several seconds a million pixels.

    References
    ----------
    .. [1] J. Todt, S. Hanisch, T. Strufe, "Fantomas: understanding face anonymization reversibility", arXiv 2210.10651,
       2022.
    .. [2] S. Hill, Z. Zhou, L. Saul, H. Shacham, "On the (in)effectiveness of mosaicing and blurring as tools for
       document redaction", Proceedings on Privacy Enhancing Technologies 2016(4).
    .. [3] R. McPherson, R. Shokri, V. Shmatikov, "Defeating image obfuscation with deep learning", arXiv 1609.00408,
       2016.
    .. [4] "Privacy Blur: quantifying privacy and utility for image data release", arXiv 2512.16086, 2025.
    """
    fitted = [index for index in range(len(raw)) if index % _VALIDATION or len(raw) == 1]
    decisive = range(0, len(raw), _VALIDATION)
    pairs = [anonymized[index] for index in fitted], [raw[index] for index in fitted]
    candidates: list[Restorer] = [Unchanged(), RidgeInverse(*pairs, period=period if period < _LARGEST_PERIOD else 1)]
    if kernel is not None:
        candidates.append(WienerInverse(*pairs, kernel=kernel))

    def quality(candidate: Restorer) -> float:
        return float(np.mean([psnr(candidate.restore(anonymized[index]), raw[index]) for index in decisive]))

    best = max(candidates, key=quality)
    best = max(best, PatchNetwork(*pairs, start=best, period=period), key=quality)
    if exact and kernel is not None:
        best = max(best, WithinRounding(best, kernel), key=quality)
    return best
