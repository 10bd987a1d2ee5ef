"""The identifiers that may be used, and the choice among them on images held out."""

from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import TypeVar

import numpy as np

from stages.attacks._learning.discriminant import Discriminant
from stages.core.parallel import map_bounded

Result = TypeVar("Result")

# The most robust to changes that were not in training comes first: of two about equally good ones, the first wins.
CANDIDATES = ("committee", "pixels", "gradients")
FOLDS = 4
FEW_IMAGES = 800  # up to this many, each fold is held out in turn; above, one is enough


def assign_folds(identities: np.ndarray, *, folds: int, seed: int) -> np.ndarray:
    """Deal each person's images to folds, so that any fold can be held out and everyone has images left.

    Parameters
    ----------
    identities : ndarray of int, shape (n,)
        Who is in each image.
    folds : int
        How many, 2 or more.
    seed : int
        Of the deal.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0 to ``folds - 1``; -1 for someone's only image, which is never held out.

    Examples
    --------
    >>> import numpy as np
    >>> assign_folds(np.array([5, 3, 3, 3, 3]), folds=2, seed=0)
    array([-1,  1,  0,  0,  1])
    """
    order = np.random.default_rng(seed).permutation(len(identities))
    order = order[np.argsort(identities[order], kind="stable")]
    _, starts, counts = np.unique(identities[order], return_index=True, return_counts=True)
    places = np.arange(len(order)) - starts.repeat(counts)
    dealt = np.empty(len(order), int)
    dealt[order] = np.where(counts.repeat(counts) > 1, places % folds, -1)
    return dealt


def members_of(candidate: str, looks: Iterable[str]) -> list[str]:
    """Name the looks of a candidate: all of the committee's, else those of one kind."""
    return [look for look in looks if candidate in ("committee", look.split("_")[0])]


def choose(features: dict[str, np.ndarray], who: np.ndarray, seed: int) -> tuple[str, float | None]:
    """Choose the first candidate that is within two standard errors of the best on held-out images."""
    dealt = assign_folds(who, folds=FOLDS, seed=seed)
    right: dict[str, list[np.ndarray]] = {name: [] for name in CANDIDATES}
    for fold in range(FOLDS if len(who) <= FEW_IMAGES else 1):
        held = dealt == fold
        if not held.any():
            continue
        odds = by_look(partial(_odds_of_held, features, who, held), features)
        for name in CANDIDATES:
            of_all = total(odds[look] for look in members_of(name, odds))
            right[name].append(of_all.argmin(axis=1) == who[held])
    if not right["committee"]:
        return "committee", None
    accuracy = {name: float(np.concatenate(parts).mean()) for name, parts in right.items()}
    best, count = max(accuracy.values()), sum(map(len, right["committee"]))
    error = standard_error(best, count)
    name = next(name for name in CANDIDATES if accuracy[name] >= best - 2 * error)
    return name, accuracy[name]


def standard_error(accuracy: float, count: int) -> float:
    """Return the standard error of an accuracy on so many images; above 0 even at an accuracy of 1."""
    share = (accuracy * count + 2) / (count + 4)  # Agresti and Coull's
    return float(np.sqrt(share * (1 - share) / count))


def _odds_of_held(features: dict[str, np.ndarray], who: np.ndarray, held: np.ndarray, look: str) -> np.ndarray:
    return odds_of(train_member(features[look], who, ~held), features[look][0, held])


def by_look(function: Callable[[str], Result], looks: Iterable[str]) -> dict[str, Result]:
    """Call a function with each look, on all workers."""
    names = list(looks)
    return dict(zip(names, map_bounded(function, names), strict=True))


def train_member(copies: np.ndarray, who: np.ndarray, chosen: np.ndarray) -> Discriminant:
    """Train on the chosen images and their moved copies; `copies` is of shape (copies, images, length)."""
    return Discriminant(np.concatenate(list(copies[:, chosen])), np.tile(who[chosen], len(copies)))


def odds_of(member: Discriminant, features: np.ndarray) -> np.ndarray:
    """Return distances to people as `odds`."""
    return odds(member.distances(features))


def odds(distances: np.ndarray) -> np.ndarray:
    """Return distances as shares of their mean: a member that fits an image badly gets little weight."""
    return distances / np.maximum(distances.mean(axis=1, keepdims=True), np.finfo(float).tiny)


def total(odds: Iterable[np.ndarray]) -> np.ndarray:
    """Sum what `odds_of` gives for each member: how far images are from people, by all looks together."""
    return reduce(np.add, odds)
