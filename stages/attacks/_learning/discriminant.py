"""Fisher's discriminant in a subspace of principal components: closed form, and good with few images per person."""

from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.utils.extmath import randomized_svd

ENERGY = 0.999  # share of the variance that the subspace keeps
MOST_DIMENSIONS = 500
MOST_EXACT = 4096  # images or features; the axes of more are approximated, in a quarter of the time
CHUNK = 4096


class Discriminant(NamedTuple):
    """The nearest mean, in a subspace where the images of one person vary equally in all directions."""

    mean: np.ndarray  # (length,) float32, of all features
    axes: np.ndarray  # (length, dimensions), of the subspace
    whiten: np.ndarray  # (dimensions, dimensions)
    means: np.ndarray  # (people, dimensions), after whitening

    def enroll(self, features: np.ndarray, identities: np.ndarray) -> "Discriminant":
        """Return a discriminant of other people in the same subspace; arguments as for training."""
        return self._replace(means=means_of(_project(features, self.mean, self.axes), identities) @ self.whiten)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return the squared distances (images, people), in units of a person's own variance."""
        places = _project(features, self.mean, self.axes) @ self.whiten
        squares = (places**2).sum(axis=1)[:, None] + (self.means**2).sum(axis=1)
        return np.maximum(squares - 2 * places @ self.means.T, 0)


def train_discriminant(features: np.ndarray, identities: np.ndarray) -> Discriminant:
    """Train on features (images, length), float32, and people (images,), numbered from 0 without gaps.

    >>> features = np.array([[0, 0], [0, 9], [1, 0], [1, 9]], np.float32)
    >>> discriminant = train_discriminant(features, np.array([0, 0, 1, 1]))
    >>> discriminant.distances(np.array([[0.9, 4]], np.float32)).argmin()
    np.int64(1)
    """
    people = identities.max() + 1
    spare = len(features) - people
    mean = features.mean(axis=0, dtype=float).astype(np.float32)
    axes = _principal_axes(features, mean, max(1, spare if spare >= people else len(features) - 1))
    places = _project(features, mean, axes)
    means = means_of(places, identities)
    whiten = _whitening(places - means[identities], max(spare, 1))
    return Discriminant(mean, axes, whiten, means @ whiten)


def _project(features: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    starts = range(0, len(features), CHUNK)
    return np.concatenate([(features[start : start + CHUNK] - mean).astype(float) @ axes for start in starts])


def means_of(places: np.ndarray, identities: np.ndarray) -> np.ndarray:
    """Return the mean place of each person, (people, dimensions); people are numbered from 0 without gaps."""
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
    values, vectors = np.linalg.eigh(scatter)  # SciPy's would stop all other threads
    greatest = slice(-1, -MOST_DIMENSIONS - 1, -1)
    values, vectors = np.maximum(values[greatest], 0), np.ascontiguousarray(vectors[:, greatest])
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
