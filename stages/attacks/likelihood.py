"""Names and links images whose blocks are means with Laplace noise of known strength, by how likely they are."""

from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
from scipy.special import logsumexp
from sklearn.covariance import ledoit_wolf

from stages.attacks._learning.discriminant import means_of
from stages.attacks._learning.ranks import Ranks, joined, ranks_of
from stages.attacks.pooling import Distances
from stages.core.parallel import map_bounded

SIDE = 128  # pixels, the longest of the images from which it learns
MOST_NUMBERS = 40_000_000  # of all these images
MOST_AXES = 200  # in which people and images differ
MOST_PHOTOS = 1000  # that these axes come from
MOST_BLOCKS = 40_000  # and channels of an image
MOST_COMPARED = 2_000_000_000  # blocks of published images and originals
GRID = np.linspace(-4, 4, 65)  # of a block's mean before the image is seen, in its standard deviations
WIDTH = 0.5  # of the covariance around each known photo, as a share of that around people's means
LEAST_DEVIATION = 3.0  # grey levels
IMPOSSIBLE = 1e-300


class Blocks(NamedTuple):
    """The blocks of an image."""

    shape: tuple[int, ...]  # of the image: height, width, 3
    means: np.ndarray  # (blocks * 3,) float32: of each block and channel, or evenly of some


class BlockNoise(NamedTuple):
    """What is known of the noise: blocks' sums have Laplace noise of this scale, and are then clipped and rounded."""

    block_size: int
    scale: float  # grey levels of the sum; the mean's is smaller by the number of pixels


def name_by_likelihood(
    sets: list[tuple[list[np.ndarray], np.ndarray]], published: list[Blocks], bursts: np.ndarray, noise: BlockNoise
) -> Distances:
    """Name people by the likelihood of published images, given what raw photos of them look like.

    A photo of a person is normally distributed around each of those that are known, with one covariance for all [2]_.
    What the noise leaves of each block is approximated by the normal distribution of the same moments, matched once,
    from what is known before [1]_.

    `sets` are raw RGB images of any size, and people (n,) int, to learn from, and maybe others to enroll. Published
    images of one number in `bursts`, (n,), show nearly the same, each with its own noise: their evidence is added up
    before they are compared with anything. The distances are negative log-likelihoods in nats, but for a constant of
    each image; of a burst, an equal part for each image.

    References
    ----------
    .. [1] T. Minka, "Expectation propagation for approximate Bayesian inference", UAI 2001.
    .. [2] S. Ioffe, "Probabilistic linear discriminant analysis", ECCV 2006.
    """
    faces = _Faces(sets)
    far = np.empty((len(published), len(faces.people)))
    shapes = [image.shape for image in published]
    for shape in dict.fromkeys(shapes):
        same = np.flatnonzero([shape == each for each in shapes])
        groups = [same[bursts[same] == burst] for burst in np.unique(bursts[same])]
        distances = partial(faces.distances, faces.block_means(shape, noise.block_size), noise)
        found = map_bounded(distances, [[published[at] for at in own] for own in groups])
        for group, values in zip(groups, found, strict=True):
            far[group] = values / len(group)
    return Distances(faces.people, far)


def link_by_likelihood(published: list[Blocks], raw: list[Blocks], noise: BlockNoise) -> Ranks:
    """Rank the originals of published images, in the same order, by likelihood.

    An original of another size cannot be the right one. Of many large images, a sample is linked, among all originals.
    """
    shapes = [image.shape for image in raw]
    places = {shape: np.flatnonzero([shape == each for each in shapes]) for shape in set(shapes)}
    means = {shape: np.stack([raw[at].means for at in found]) for shape, found in places.items()}
    numbers = len(published) * sum(len(image.means) for image in raw)
    asked = np.linspace(0, len(raw) - 1, max(1, len(raw) * MOST_COMPARED // max(numbers, MOST_COMPARED))).astype(int)

    def rank(number: int) -> Ranks:
        seen, scale = _seen(published[number], noise)
        unlikely = -log_likelihood(seen, means[shapes[number]], scale).sum(axis=1)
        far = np.full((1, len(raw)), unlikely.max() + 1)
        far[0, places[shapes[number]]] = unlikely
        return ranks_of(far - unlikely.min(), np.array([number]))

    return joined(map_bounded(rank, asked.tolist()))


def cut_blocks(image: np.ndarray, block_size: int) -> Blocks:
    """Return the means of an image's blocks; those at the right and the bottom may be cut off."""
    rows, columns = (np.arange(0, side, block_size) for side in image.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(image, rows, axis=0, dtype=float), columns, axis=1)
    return Blocks(image.shape, _thinned((sums / _counts(image.shape, block_size)).ravel()).astype(np.float32))


def log_likelihood(seen: np.ndarray, means: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return how likely a rounded and clipped value is, given the mean before Laplace noise of a scale.

    >>> levels = np.arange(256.0)
    >>> float(np.exp(log_likelihood(levels, np.full(256, 50.0), np.full(256, 80.0))).sum().round(6))
    1.0
    """
    above = np.where(seen >= 255, np.inf, seen + 0.5)
    below = np.where(seen <= 0, -np.inf, seen - 0.5)
    share = _distribution((above - means) / scale) - _distribution((below - means) / scale)
    return np.log(np.maximum(share, IMPOSSIBLE))


def _distribution(values: np.ndarray) -> np.ndarray:
    half = np.exp(-np.abs(values)) / 2
    return np.where(values < 0, half, 1 - half)


def _seen(image: Blocks, noise: BlockNoise) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of an image's blocks, and the scale of the noise in each."""
    return np.rint(image.means), noise.scale / _thinned(_counts(image.shape, noise.block_size).repeat(3))


def _thinned(values: np.ndarray) -> np.ndarray:
    return values[:: -(-len(values) // MOST_BLOCKS)]


def _counts(shape: tuple[int, ...], block_size: int) -> np.ndarray:
    down, across = (np.diff(np.arange(0, side, block_size), append=side) for side in shape[:2])
    return np.outer(down, across)[:, :, None]


def _sites(
    seen: np.ndarray, scale: np.ndarray, middle: np.ndarray, deviation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the precision with which each block tells its mean, and that precision times the mean."""
    values = middle[:, None] + deviation[:, None] * GRID
    before = np.exp(-(GRID**2) / 2)
    after = log_likelihood(seen[:, None], values, scale[:, None])
    after = before * np.exp(after - after.max(axis=1, keepdims=True))
    (mean_before, spread_before), (mean, spread) = (_moments(values, part) for part in (before[None], after))
    precision = np.maximum(1 / spread - 1 / spread_before, 0)
    # Exact to first order where a block tells almost nothing, as most do under strong noise.
    return precision, (mean - mean_before) / spread + precision * mean_before


def _moments(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weights = weights / weights.sum(axis=1, keepdims=True)
    mean = (weights * values).sum(axis=1)
    return mean, np.maximum((weights * (values - mean[:, None]) ** 2).sum(axis=1), 1e-3)


class _Faces:
    """Where people are, in the axes in which photos of one person vary equally."""

    def __init__(self, sets: list[tuple[list[np.ndarray], np.ndarray]]) -> None:
        photos = [image for images, _ in sets for image in images]
        height, width = (int(np.median([image.shape[side] for image in photos])) for side in (0, 1))
        shrink = min(1.0, SIDE / max(height, width), np.sqrt(MOST_NUMBERS / (len(photos) * height * width * 3)))
        self._size = max(1, round(width * shrink)), max(1, round(height * shrink))
        points = np.stack([self._small(image) for image in photos])
        self._mean = points.mean(axis=0)
        points -= self._mean
        drawn = points[:: -(-len(points) // MOST_PHOTOS)]
        values, vectors = np.linalg.eigh((drawn @ drawn.T).astype(float))
        kept = values > 1e-6 * max(values[-1], 1e-9)
        axes = drawn.T @ (vectors[:, kept] / np.sqrt(values[kept]))[:, -MOST_AXES:]
        places = points @ axes
        learned, (_, of_known) = len(sets[0][1]), sets[-1]
        people, person = np.unique(sets[0][1], return_inverse=True)
        within = places[:learned] - means_of(places[:learned], person)[person]
        scatter, shrinkage = ledoit_wolf(within, assume_centered=True)
        # Ledoit and Wolf count all photos, of which one for each person tells nothing.
        scatter = scatter * learned / max(learned - len(people), 1)
        self.people, self._person = np.unique(of_known, return_inverse=True)
        root = np.linalg.cholesky(scatter * WIDTH + 1e-3 * np.eye(len(scatter)))
        self._axes = (axes @ root).T
        places = np.linalg.solve(root, places.T).T
        self._photos = places[-len(of_known) :]
        self._covariance = places.T @ places / len(places)

    def distances(self, pictures: np.ndarray, noise: BlockNoise, images: list[Blocks]) -> np.ndarray:
        """Return the negative log-likelihood of each person, given a burst; `pictures` are from `block_means`."""
        middle, axes = pictures[0], pictures[1:]
        spread = np.sqrt(np.einsum("ad,ad->d", self._covariance @ axes, axes))
        precision, pull = (np.zeros((len(axes),) * sides) for sides in (2, 1))
        for image in images:
            site, site_pull = _sites(*_seen(image, noise), middle, np.maximum(spread, LEAST_DEVIATION))
            precision += (axes * site) @ axes.T
            pull += axes @ (site_pull - site * middle)
        shifted = self._photos + pull
        within = np.linalg.inv(np.eye(len(axes)) + precision)
        photos = ((shifted @ within * shifted).sum(axis=1) - (self._photos**2).sum(axis=1)) / 2
        people = [photos[self._person == number] for number in range(len(self.people))]
        return np.array([np.log(len(own)) - logsumexp(own) for own in people])

    def _small(self, image: np.ndarray) -> np.ndarray:
        return cv2.resize(image, self._size, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()

    def block_means(self, shape: tuple[int, ...], block_size: int) -> np.ndarray:
        """Return the means of the blocks of an image of a shape, first of the mean photo, then of each axis."""
        pictures = np.concatenate([self._mean[None], self._axes]).astype(np.float32)
        width, height = self._size
        large = (cv2.resize(picture.reshape(height, width, 3), shape[1::-1]) for picture in pictures)
        return np.stack([cut_blocks(picture, block_size).means for picture in large])
