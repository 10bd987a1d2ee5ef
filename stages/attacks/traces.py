"""Names and links images by a few numbers that are published with them: sizes of images, of files, and of outlines."""

import numpy as np
from scipy.special import logsumexp

from stages.attacks._learning.discriminant import means_of
from stages.attacks._learning.ranks import Ranks, joined, ranks_of
from stages.attacks.pooling import Distances

BANDWIDTHS = (1.0, 0.3, 0.1)  # in standard deviations of one person's numbers
MOST_HELD_OUT = 1000  # points that choose the bandwidth
CHUNK = 256  # images that are compared at once
DOUBT = 20.0  # how far beyond the nearest person one image may put another, in nats


def name_by_traces(sets: list[tuple[np.ndarray, np.ndarray]], asked: np.ndarray) -> Distances:
    """Name people by the density of their numbers, a Gaussian around each known image; in nats.

    `sets` are numbers (images, length) and people (images,), to learn how numbers of one person vary, and maybe others
    to enroll, who are then the ones that are named.

    >>> numbers, people = np.array([[0.0], [0.1], [1.0], [1.1]]), np.array([7, 7, 9, 9])
    >>> name_by_traces([(numbers, people)], np.array([[0.2], [0.9]])).values.argmin(axis=1)
    array([0, 1])
    """
    (learned, of_learned), (known, of_known) = sets[0], sets[-1]
    people, person = np.unique(of_known, return_inverse=True)
    whiten = _whitening(learned, of_learned)
    points, asked = (np.nan_to_num(numbers @ whiten) for numbers in (known, asked))
    held = np.linspace(0, len(points) - 1, min(len(points), MOST_HELD_OUT)).astype(int)
    apart = _squares(points[held], points)
    apart[np.arange(len(held)), held] = np.inf

    def error(width: float) -> float:
        return float((_far(apart / width**2, person).argmin(axis=1) != person[held]).mean())

    width = min(BANDWIDTHS, key=error)
    parts = [_far(_squares(part, points) / width**2, person) for part in _chunks(asked)]
    return Distances(people, np.concatenate(parts))


def link_by_traces(train_raw: np.ndarray, train_published: np.ndarray, published: np.ndarray, raw: np.ndarray) -> Ranks:
    """Rank the originals of published images, in the same order, by how well they predict the published numbers.

    A linear map and its errors are learned from training pairs; all numbers are of shape (images, length).

    >>> numbers = np.arange(6.0)[:, None] ** 2
    >>> link_by_traces(numbers[:4], 2 * numbers[:4], 2 * numbers, numbers).within(1).mean()
    np.float64(1.0)
    """

    def inputs(numbers: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(numbers)), numbers])

    weights = np.linalg.lstsq(inputs(train_raw), train_published, rcond=None)[0]
    missed = train_published - inputs(train_raw) @ weights
    spread = train_published.std(axis=0)
    scale = np.maximum(np.sqrt((missed**2).mean(axis=0)), 1e-3 * spread + 1e-6)
    expected, places = inputs(raw) @ weights / scale, np.arange(len(raw))
    parts = zip(_chunks(published / scale), _chunks(places), strict=True)
    return joined(ranks_of(np.round(_squares(part, expected), 6), own) for part, own in parts)


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, len(rows) // CHUNK + 1)


def _whitening(numbers: np.ndarray, people: np.ndarray) -> np.ndarray:
    names, person = np.unique(people, return_inverse=True)
    within = numbers - means_of(numbers, person)[person]
    spare = max(len(numbers) - len(names), 1)
    # What does not vary within people decides, but not by more than rounding allows.
    floor = np.diag(1e-4 * numbers.var(axis=0) + 1e-9)
    values, vectors = np.linalg.eigh(within.T @ within / spare + floor)
    return vectors / np.sqrt(values)


def _squares(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return ((points[:, None] - centres) ** 2).sum(axis=2)


def _far(squares: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Return negative log-densities, (images, people), capped at `DOUBT` above the nearest person's."""
    columns = [logsumexp(-squares[:, person == number] / 2, axis=1) for number in range(person.max() + 1)]
    far = np.log(np.bincount(person)) - np.stack(columns, axis=1)
    nearest = far.min(axis=1, keepdims=True)
    return np.where(np.isfinite(nearest), np.minimum(far - nearest, DOUBT), 0.0)
