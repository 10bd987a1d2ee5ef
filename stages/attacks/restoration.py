"""Chooses the best inverse of a method: the attacker knows the method, its strength, and pairs of training images."""

import numpy as np

from stages.attacks._learning.patches import PatchNetwork
from stages.attacks._learning.restorer import Restorer
from stages.attacks._learning.ridge import RidgeInverse
from stages.attacks._learning.rounding import WithinRounding
from stages.attacks._learning.wiener import WienerInverse
from stages.attacks.fidelity import psnr

_LARGEST_PERIOD = 32  # pixels; above it there are too few pixels for each place in the grid
_VALIDATION = 5  # every fifth pair decides


class Unchanged:
    """The inverse that does nothing."""

    name = "none"

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Return the image itself."""
        return image


def train_restorer(
    anonymized: list[np.ndarray],
    raw: list[np.ndarray],
    *,
    period: int = 1,
    kernel: np.ndarray | None = None,
    network: bool = True,
    exact: bool = False,
) -> Restorer:
    """Train the inverses that fit a method, and return the best on pairs that they were not trained on.

    Parameters
    ----------
    anonymized, raw : list of numpy.ndarray
        Training pairs, (height, width, 3) uint8.
    period : int, default=1
        After how many pixels the method's grid repeats; 1 for a method without a grid.
    kernel : ndarray of float, shape (n,), optional
        One axis of the kernel, for a method that is a separable, symmetric blur.
    network : bool, default=True
        Try too whether a network improves on the best of the others: two seconds more, and two a million pixels.
    exact : bool, default=False
        With `kernel`, try too whether it helps to optimize each image: several seconds a million pixels.

    Returns
    -------
    Restorer
        Never worse than doing nothing on the pairs that decide.

    References
    ----------
    Todt, Hanisch, Strufe: Fantomas: Understanding Face Anonymization Reversibility. arXiv 2210.10651, 2022.
    Hill, Zhou, Saul, Shacham: On the (In)effectiveness of Mosaicing and Blurring as Tools for Document Redaction.
    PoPETs 2016.
    """
    fitted = [index for index in range(len(raw)) if index % _VALIDATION or len(raw) == 1]
    decided = [index for index in range(len(raw)) if index % _VALIDATION == 0]
    pairs = [anonymized[index] for index in fitted], [raw[index] for index in fitted]
    candidates: list[Restorer] = [Unchanged(), RidgeInverse(*pairs, period=period if period < _LARGEST_PERIOD else 1)]
    if kernel is not None:
        candidates.append(WienerInverse(*pairs, kernel=kernel))

    def quality(candidate: Restorer) -> float:
        return float(np.mean([psnr(candidate.restore(anonymized[index]), raw[index]) for index in decided]))

    best = max(candidates, key=quality)
    if network:
        best = max(best, PatchNetwork(*pairs, start=best, period=period), key=quality)
    if exact and kernel is not None:
        best = max(best, WithinRounding(best, kernel), key=quality)
    return best
