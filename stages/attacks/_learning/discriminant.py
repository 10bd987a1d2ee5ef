"""Fisher's discriminant in a subspace of principal components: closed form, and good with few images per person."""

import copy

import numpy as np
from scipy.linalg import eigh
from sklearn.covariance import ledoit_wolf
from sklearn.utils.extmath import randomized_svd

ENERGY = 0.999  # share of the variance that the subspace keeps
MOST_DIMENSIONS = 500
MOST_EXACT = 4096  # images or features; the axes of more are approximated, in a quarter of the time
CHUNK = 4096
_LEARNED = ("mean", "axes", "whiten", "means")


class Discriminant:
    """The nearest mean, in a subspace where the images of one person vary equally in all directions.

    It learns from features (images, length) and people (images,), numbered from 0 without gaps.

    >>> features = np.array([[0, 0], [0, 9], [1, 0], [1, 9]], np.float32)
    >>> Discriminant(features, np.array([0, 0, 1, 1])).distances(np.array([[0.9, 4]], np.float32)).argmin()
    np.int64(1)
    """

    def __init__(self, features: np.ndarray, identities: np.ndarray) -> None:
        people = identities.max() + 1
        spare = len(features) - people
        self._mean = features.mean(axis=0, dtype=float).astype(np.float32)
        self._axes = _principal_axes(features, self._mean, max(1, spare if spare >= people else len(features) - 1))
        places = self._project(features)
        means = _means(places, identities)
        self._whiten = _whitening(places - means[identities], max(spare, 1))
        self._means = means @ self._whiten

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, for `restored`."""
        return {name: getattr(self, f"_{name}") for name in _LEARNED}

    @classmethod
    def restored(cls, arrays: dict[str, np.ndarray]) -> "Discriminant":
        """Return a discriminant of the same answers."""
        restored = cls.__new__(cls)
        for name in _LEARNED:
            setattr(restored, f"_{name}", arrays[name])
        return restored

    def enroll(self, features: np.ndarray, identities: np.ndarray) -> "Discriminant":
        """Return a copy that knows other people, in the same subspace; arguments as for training."""
        enrolled = copy.copy(self)
        enrolled._means = _means(self._project(features), identities) @ self._whiten
        return enrolled

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return the squared distances (images, people), in units of a person's own variance."""
        places = self._project(features) @ self._whiten
        squares = (places**2).sum(axis=1)[:, None] + (self._means**2).sum(axis=1)
        return np.maximum(squares - 2 * places @ self._means.T, 0)

    def _project(self, features: np.ndarray) -> np.ndarray:
        parts = [
            (features[start : start + CHUNK] - self._mean).astype(float) @ self._axes
            for start in range(0, len(features), CHUNK)
        ]
        return np.concatenate(parts)


def _means(places: np.ndarray, identities: np.ndarray) -> np.ndarray:
    counts = np.bincount(identities)
    means = np.zeros((len(counts), places.shape[1]))
    np.add.at(means, identities, places)
    return means / counts[:, None]


def _principal_axes(features: np.ndarray, mean: np.ndarray, most: int) -> np.ndarray:
    """Return the directions of greatest variance, (length, dimensions), exactly unless there are too many features."""
    images, length = features.shape
    values, vectors, total = (_approximately if min(images, length) > MOST_EXACT else _exactly)(features, mean)
    share = np.cumsum(values) / max(total, np.finfo(float).tiny)
    # Directions of rounding noise alone are left out, but one is kept, so that flat images can be projected too.
    real = max(1, int((values > 1e-9 * values[0]).sum()))
    count = min(int((share < ENERGY).sum()) + 1, most, real)
    axes = vectors[:, :count]
    return axes / np.maximum(np.linalg.norm(axes, axis=0), np.finfo(float).tiny)


def _exactly(features: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the greatest variances, their directions (length, n), and the sum of all, from the smaller Gram matrix."""
    images, length = features.shape
    if images < length:
        centred = (features - mean).astype(float)
        scatter = centred @ centred.T
    else:
        scatter = np.zeros((length, length))
        for start in range(0, images, CHUNK):
            centred = (features[start : start + CHUNK] - mean).astype(float)
            scatter += centred.T @ centred
    side = len(scatter)
    values, vectors = eigh(scatter, subset_by_index=(max(0, side - MOST_DIMENSIONS), side - 1))
    values, vectors = np.maximum(values[::-1], 0), np.ascontiguousarray(vectors[:, ::-1])
    if images < length:
        vectors = centred.T @ vectors
    return values, vectors, float(np.trace(scatter))


def _approximately(features: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    centred = features - mean
    _, values, vectors = randomized_svd(centred, MOST_DIMENSIONS, n_iter=4, random_state=0)
    return (
        values.astype(float) ** 2,
        vectors.T.astype(float),
        float(np.einsum("ij,ij->", centred, centred, dtype=float)),
    )


def _whitening(within: np.ndarray, spare: int) -> np.ndarray:
    """Return the map, (dimensions, dimensions), after which images of one person vary equally in all directions."""
    dimensions = within.shape[1]
    scatter = within.T @ within / spare
    level = np.trace(scatter) / dimensions
    if level < 1e-12:  # one image per person, or flat ones: how they vary is unknown
        return np.eye(dimensions)
    _, shrinkage = ledoit_wolf(within, assume_centered=True)
    scatter = (1 - shrinkage) * scatter + max(shrinkage, 1e-4) * level * np.eye(dimensions)
    values, vectors = np.linalg.eigh(scatter)
    return vectors / np.sqrt(values)
