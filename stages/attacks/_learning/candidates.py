"""The identifiers that may be used, and the choice among them on images held out."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from stages.attacks._learning.discriminant import Discriminant, train_discriminant
from stages.core.parallel import map_bounded

Result = TypeVar("Result")

# The most robust to changes that were not in training comes first: of two about equally good ones, the first wins.
CANDIDATES = ("committee", "pixels", "gradients")
FOLDS = 4
FEW_IMAGES = 800  # up to this many, each fold is held out in turn; above, one is enough


def assign_folds(identities: np.ndarray, seed: int) -> np.ndarray:
    """Deal each person's images to folds, from 0; -1 for a person's only image, which is never held out."""
    order = np.random.default_rng(seed).permutation(len(identities))
    order = order[np.argsort(identities[order], kind="stable")]
    _, starts, counts = np.unique(identities[order], return_index=True, return_counts=True)
    places = np.arange(len(order)) - starts.repeat(counts)
    folds = np.empty(len(order), int)
    folds[order] = np.where(counts.repeat(counts) > 1, places % FOLDS, -1)
    return folds


def looks_of_candidate(candidate: str, looks: Iterable[str]) -> list[str]:
    """Return all looks for the committee, else those of one kind."""
    return [look for look in looks if candidate in ("committee", look.split("_")[0])]


def choose(features: dict[str, np.ndarray], people: np.ndarray, seed: int) -> tuple[str, float | None]:
    """Choose the first candidate that is within two standard errors of the best on held-out images.

    Returns its name and accuracy; without images to hold out, the committee and None. Features, by look, are of shape
    (copies, images, length).
    """
    folds = assign_folds(people, seed)
    right: dict[str, list[np.ndarray]] = {name: [] for name in CANDIDATES}
    for fold in range(FOLDS if len(people) <= FEW_IMAGES else 1):
        held = folds == fold
        if held.any():
            distances = _held_out_distances(features, people, held)
            for name, parts in right.items():
                summed = np.sum([distances[look] for look in looks_of_candidate(name, distances)], axis=0)
                parts.append(summed.argmin(axis=1) == people[held])
    if not right["committee"]:
        return "committee", None
    accuracy = {name: float(np.concatenate(parts).mean()) for name, parts in right.items()}
    best, count = max(accuracy.values()), sum(map(len, right["committee"]))
    error = standard_error(best, count)
    name = next(name for name in CANDIDATES if accuracy[name] >= best - 2 * error)
    return name, accuracy[name]


def _held_out_distances(features: dict[str, np.ndarray], people: np.ndarray, held: np.ndarray) -> dict[str, np.ndarray]:
    def distances(look: str) -> np.ndarray:
        member = train_member(features[look], people, ~held)
        return in_means(member.distances(features[look][0, held]))

    return by_look(distances, features)


def standard_error(accuracy: float, count: int) -> float:
    """Return the standard error of an accuracy on `count` images; above 0 even at an accuracy of 1."""
    share = (accuracy * count + 2) / (count + 4)  # Agresti and Coull's
    return float(np.sqrt(share * (1 - share) / count))


def by_look(function: Callable[[str], Result], looks: Iterable[str]) -> dict[str, Result]:
    """Call a function with each look, on all workers."""
    names = list(looks)
    return dict(zip(names, map_bounded(function, names), strict=True))


def train_member(copies: np.ndarray, people: np.ndarray, chosen: np.ndarray) -> Discriminant:
    """Train on the chosen images and their moved copies; `copies` is of shape (copies, images, length)."""
    return train_discriminant(np.concatenate(list(copies[:, chosen])), np.tile(people[chosen], len(copies)))


def in_means(distances: np.ndarray) -> np.ndarray:
    """Return each image's distances as shares of their mean: a member that fits an image badly gets little weight."""
    return distances / np.maximum(distances.mean(axis=1, keepdims=True), np.finfo(float).tiny)
