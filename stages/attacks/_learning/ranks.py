"""How far up the right candidate comes, where several may be equally near."""

from typing import NamedTuple

import numpy as np

FALSE_POSITIVES = 0.01  # share of wrong pairs, or of non-members, that are accepted where an attack says yes or no
_ROUNDING = 1e-9  # of the largest distance: two that differ by less are equal


class Ranks(NamedTuple):
    """Where the right candidate stands for each query, among all candidates.

    Equally near candidates come in any order, each as likely: so constant images are linked as well as by chance,
    neither better nor worse.

    Attributes
    ----------
    closer : ndarray of int, shape (queries,)
        How many candidates are nearer than the right one.
    tied : ndarray of int, shape (queries,)
        How many are as near as the right one, itself included.
    """

    closer: np.ndarray
    tied: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """The mean rank of the right candidate over all orders, from 1."""
        return self.closer + (self.tied + 1) / 2

    def within(self, count: int) -> np.ndarray:
        """Return for each query the chance that the right candidate is among the first `count`.

        Parameters
        ----------
        count : int
            1 or more.

        Returns
        -------
        ndarray of float, shape (queries,)
            From 0 to 1; their mean is the accuracy at that rank.

        Examples
        --------
        >>> Ranks(np.array([0, 1, 0]), np.array([1, 1, 4])).within(1)
        array([1.  , 0.  , 0.25])
        """
        return np.clip(count - self.closer, 0, self.tied) / self.tied


def ranks_of(distances: np.ndarray, right: np.ndarray) -> Ranks:
    """Rank the right candidate of each query.

    Parameters
    ----------
    distances : ndarray of float, shape (queries, candidates)
        At least 0; smaller is nearer.
    right : ndarray of int, shape (queries,)
        Which candidate is the right one.

    Returns
    -------
    Ranks
        Of the right ones.

    Examples
    --------
    >>> ranks_of(np.array([[0.0, 2.0, 1.0], [5.0, 5.0, 5.0]]), np.array([2, 0])).mean
    array([2., 2.])
    """
    own = np.take_along_axis(distances, right[:, None], axis=1)
    apart = distances - own
    equal = np.abs(apart) <= _ROUNDING * distances.max(axis=1, keepdims=True)
    return Ranks(((apart < 0) & ~equal).sum(axis=1), equal.sum(axis=1))
