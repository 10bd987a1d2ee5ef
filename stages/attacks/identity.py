"""Who is in the picture? Trains several identifiers, and keeps the one that does best on images held out for it."""

import cv2
import numpy as np

from stages.attacks._discriminant import Discriminant
from stages.attacks._looks import LOOKS

# What may win, by how well it bears changes it was not trained on: of two that do about as well, the first is kept.
CANDIDATES: dict[str, tuple[str, ...]] = {
    "committee": tuple(LOOKS),
    "pixels": ("pixels_24", "pixels_16"),
    "gradients": ("gradients_64", "gradients_32"),
}
FOLDS = 4
FEW_IMAGES = 800  # up to here each fold is held out in turn, above one is enough
MOVED_IMAGES = 2000  # about so many moved copies are learned from, up to 4 of an image
SHIFT, ANGLE, SCALE = 0.03, 4.0, 0.04  # how far copies are moved: share of the side, degrees, share
CHUNK = 1024


class Identifier:
    """Names the person in an image.

    Attributes
    ----------
    name : str
        Which candidate won: "committee", "pixels" or "gradients".
    validation_accuracy : float or None
        Its accuracy on the training images held out to choose it; None if everyone has one image only.
    """

    def __init__(
        self, name: str, validation_accuracy: float | None, people: np.ndarray, members: dict[str, Discriminant]
    ) -> None:
        """Keep what was trained; see `train_identifier`."""
        self.name = name
        self.validation_accuracy = validation_accuracy
        self._people = people
        self._members = members

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Name the people in images.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, size, size, 3)
            RGB images, of any size: they need not be as large as the training images.

        Returns
        -------
        ndarray of int, shape (n,)
            One of the training identities for each: strangers are taken for who is most like them.
        """
        _check(images)
        named = []
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            named.append(sum(_odds(member, LOOKS[look](part)) for look, member in self._members.items()).argmin(axis=1))
        return self._people[np.concatenate(named)] if named else self._people[:0]


def train_identifier(images: np.ndarray, identities: np.ndarray, *, seed: int) -> Identifier:
    """Train the best of several identifiers to name the people in images.

    All are Fisher discriminants in a subspace, of coarse pixels, of histograms of gradients, or of both; all learn from
    slightly moved copies too. The winner is chosen on a part of the training images, then trained on all.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, size, size, 3)
        RGB images of one square size; 64 is enough.
    identities : ndarray of int, shape (n,)
        Who is in each: any numbers.
    seed : int
        Of the copies' moves, and of what is held out.

    Returns
    -------
    Identifier
        The winner.

    Raises
    ------
    ValueError
        If the shapes or types are wrong, or there are fewer than two people.

    References
    ----------
    .. [1] R. McPherson, R. Shokri, V. Shmatikov, "Defeating image obfuscation with deep learning", arXiv 1609.00408,
       2016: obfuscated faces are named by whoever trains on obfuscated faces.
    .. [2] P. Belhumeur, J. Hespanha, D. Kriegman, "Eigenfaces vs. Fisherfaces: recognition using class specific linear
       projection", IEEE TPAMI 19(7), 1997.
    .. [3] N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> faces = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    >>> identifier = train_identifier(faces.repeat(4, axis=0), np.array([7, 9]).repeat(4), seed=0)
    >>> identifier.predict(faces)
    array([7, 9])
    """
    _check(images)
    identities = np.asarray(identities)
    if identities.shape != (len(images),):
        raise ValueError(f"`identities` must be of shape ({len(images)},), one an image. Received: {identities.shape}")
    people, who = np.unique(identities, return_inverse=True)
    if len(people) < 2:
        raise ValueError(f"`identities` must be of at least two people. Received: {len(people)}")
    copies = [images] + [_moved(images, seed, number) for number in range(np.clip(MOVED_IMAGES // len(images), 1, 4))]
    features = {look: np.stack([measure(copy) for copy in copies]) for look, measure in LOOKS.items()}
    name, accuracy = _choose(features, who, seed)
    everything = np.ones(len(images), bool)
    members = {look: _train(features[look], who, everything) for look in CANDIDATES[name]}
    return Identifier(name, accuracy, people, members)


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


def _choose(features: dict[str, np.ndarray], who: np.ndarray, seed: int) -> tuple[str, float | None]:
    """Choose the first candidate that is within two standard errors of the best on held-out images."""
    dealt = assign_folds(who, folds=FOLDS, seed=seed)
    right: dict[str, list[np.ndarray]] = {name: [] for name in CANDIDATES}
    for fold in range(FOLDS if len(who) <= FEW_IMAGES else 1):
        held = dealt == fold
        if not held.any():
            continue
        odds = {look: _odds(_train(copies, who, ~held), copies[0, held]) for look, copies in features.items()}
        for name, looks in CANDIDATES.items():
            right[name].append(sum(odds[look] for look in looks).argmin(axis=1) == who[held])
    if not right["committee"]:
        return "committee", None
    accuracy = {name: float(np.concatenate(parts).mean()) for name, parts in right.items()}
    best, count = max(accuracy.values()), sum(map(len, right["committee"]))
    share = (best * count + 2) / (count + 4)  # Agresti and Coull's, so that there is an error at an accuracy of 1
    error = np.sqrt(share * (1 - share) / count)
    name = next(name for name in CANDIDATES if accuracy[name] >= best - 2 * error)
    return name, accuracy[name]


def _train(copies: np.ndarray, who: np.ndarray, chosen: np.ndarray) -> Discriminant:
    """Train on the chosen images and their moved copies; `copies` is of shape (copies, images, length)."""
    return Discriminant(np.concatenate(list(copies[:, chosen])), np.tile(who[chosen], len(copies)))


def _odds(member: Discriminant, features: np.ndarray) -> np.ndarray:
    """Give distances to people as shares of their mean, so that a member for whom an image is odd has little say."""
    distances = member.distances(features)
    return distances / np.maximum(distances.mean(axis=1, keepdims=True), np.finfo(float).tiny)


def _moved(images: np.ndarray, seed: int, number: int) -> np.ndarray:
    """Shift, turn and scale each image a little."""
    rng = np.random.default_rng((seed, number))
    side = images.shape[1]
    moved = np.empty_like(images)
    for image, target in zip(images, moved, strict=True):
        angle, scale, *shift = rng.uniform(-1, 1, 4)
        turn = cv2.getRotationMatrix2D((side / 2 - 0.5, side / 2 - 0.5), angle * ANGLE, 1 + scale * SCALE)
        turn[:, 2] += np.multiply(shift, SHIFT * side)
        cv2.warpAffine(image, turn, (side, side), dst=target, borderMode=cv2.BORDER_REPLICATE)
    return moved


def _check(images: np.ndarray) -> None:
    if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(
            "`images` must be uint8 of shape (n, size, size, 3). "
            f"Received: {images.dtype} of shape {tuple(images.shape)}"
        )
