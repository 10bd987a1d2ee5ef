"""How far up the right candidate comes, where several may be equally near."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_curve

FALSE_POSITIVES = 0.01  # share of wrong pairs, or of non-members, that are accepted where an attack says yes or no
_ROUNDING = 1e-9  # of the largest distance: two that differ by less are equal


class Ranks(NamedTuple):
    """Where the right candidate stands for each query.

    Equally near candidates come in any order, each as likely, so that constant images are linked exactly as by chance.
    """

    closer: np.ndarray  # (queries,) int: how many candidates are nearer than the right one
    tied: np.ndarray  # (queries,) int: how many are as near, itself included

    @property
    def mean(self) -> np.ndarray:
        """The mean rank of the right candidate over all orders, from 1."""
        return self.closer + (self.tied + 1) / 2

    def within(self, count: int) -> np.ndarray:
        """Return for each query the chance that the right candidate is among the first `count`.

        >>> Ranks(np.array([0, 1, 0]), np.array([1, 1, 4])).within(1)
        array([1.  , 0.  , 0.25])
        """
        return np.clip(count - self.closer, 0, self.tied) / self.tied


def ranks_of(distances: np.ndarray, right: np.ndarray) -> Ranks:
    """Rank the right candidate, of shape (queries,), by distances of shape (queries, candidates), at least 0.

    >>> ranks_of(np.array([[0.0, 2.0, 1.0], [5.0, 5.0, 5.0]]), np.array([2, 0])).mean
    array([2., 2.])
    """
    own = np.take_along_axis(distances, right[:, None], axis=1)
    differences = distances - own
    equal = np.abs(differences) <= _ROUNDING * distances.max(axis=1, keepdims=True)
    return Ranks(((differences < 0) & ~equal).sum(axis=1), equal.sum(axis=1))


def joined(parts: Iterable[Ranks]) -> Ranks:
    """Join the ranks of several parts of the queries."""
    return Ranks(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def linked(ranks: Ranks, count: int) -> dict[str, float]:
    """Return the share of images that are linked to their own of `count` originals, and what guessing links."""
    return {"accuracy": float(ranks.within(1).mean()), "chance": 1 / count, "images": count}


def true_positive_rate(is_right: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of right pairs whose score is so high that at most 1 % of the wrong ones are accepted too."""
    false, true, _ = roc_curve(is_right.ravel(), scores.ravel(), drop_intermediate=False)
    return float(true[false <= FALSE_POSITIVES].max())
