"""Who is in the picture? Trains several identifiers, and keeps the one that does best on held-out images."""

from collections.abc import Iterator

import numpy as np

from stages.attacks._learning.candidates import by_look, choose, members_of, odds_of, total, train_member
from stages.attacks._learning.discriminant import Discriminant
from stages.attacks._learning.looks import features_of, looks_of, moved_copy

MOVED_IMAGES = 2000  # about this many moved copies are learned from, up to 4 of an image
CHUNK = 1024


class Identifier:
    """Names the person in an image.

    Attributes
    ----------
    name : str
        Which candidate won: "committee", "pixels" or "gradients".
    validation_accuracy : float or None
        Its accuracy on the training images held out to choose it; None if everyone has one image only.
    people : ndarray of int, shape (people,)
        Whom it knows, in ascending order.
    """

    def __init__(
        self, name: str, validation_accuracy: float | None, people: np.ndarray, members: dict[str, Discriminant]
    ) -> None:
        """Keep what was trained; see `train_identifier`."""
        self.name = name
        self.validation_accuracy = validation_accuracy
        self.people = people
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
            One of those known for each: an unknown person is matched to the most similar known one.
        """
        nearest = [part.argmin(axis=1) for part in self._distances(images)]
        return self.people[np.concatenate([np.empty(0, int), *nearest])]

    def distances(self, images: np.ndarray) -> np.ndarray:
        """Tell how far images are from the people who are known.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, size, size, 3)
            As for `predict`.

        Returns
        -------
        ndarray of float, shape (n, people)
            In the order of `people`; smaller is nearer. Each image's are in shares of their mean, so that those of
            different images can be compared.
        """
        return np.concatenate([np.empty((0, len(self.people))), *self._distances(images)])

    def _distances(self, images: np.ndarray) -> Iterator[np.ndarray]:
        _check(images)
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            yield total(odds_of(member, features_of(look, part)) for look, member in self._members.items())

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, as plain arrays, for `restored`."""
        accuracy = np.nan if self.validation_accuracy is None else self.validation_accuracy
        learned = {"name": np.array(self.name), "validation_accuracy": np.array(accuracy), "people": self.people}
        for look, member in self._members.items():
            learned |= {f"{look}.{name}": array for name, array in member.arrays.items()}
        return learned

    @classmethod
    def restored(cls, arrays: dict[str, np.ndarray]) -> "Identifier":
        """Return an identifier of the same answers."""
        parts: dict[str, dict[str, np.ndarray]] = {}
        for key in arrays:
            if "." in key:
                look, name = key.split(".")
                parts.setdefault(look, {})[name] = arrays[key]
        accuracy = None if np.isnan(arrays["validation_accuracy"]) else float(arrays["validation_accuracy"])
        members = {look: Discriminant.restored(part) for look, part in parts.items()}
        return cls(str(arrays["name"]), accuracy, arrays["people"], members)

    def enroll(self, images: np.ndarray, identities: np.ndarray) -> "Identifier":
        """Learn to name other people than those in the training images, from which it learned to tell people apart.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, size, size, 3)
            RGB images of them, one or more of each.
        identities : ndarray of int, shape (n,)
            Who is in each.

        Returns
        -------
        Identifier
            Names these people and no others.
        """
        _check(images)
        people, who = np.unique(identities, return_inverse=True)
        members = {look: member.enroll(features_of(look, images), who) for look, member in self._members.items()}
        return Identifier(self.name, self.validation_accuracy, people, members)


def train_identifier(images: np.ndarray, identities: np.ndarray, *, seed: int) -> Identifier:
    """Train the best of several identifiers to name the people in images.

    All are Fisher discriminants in a subspace, of coarse pixels, of histograms of gradients, or of both; all learn from
    slightly moved copies too. The winner is chosen on a part of the training images, then trained on all.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, size, size, 3)
        RGB images of one square size, which is the detail that the identifier sees; of more than 64 pixels, it takes
        several times as long.
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
    copies = [images] + [
        moved_copy(images, seed, number) for number in range(np.clip(MOVED_IMAGES // len(images), 1, 4))
    ]
    looks = looks_of(images.shape[1])
    features = by_look(lambda look: np.stack([features_of(look, copy) for copy in copies]), looks)
    name, accuracy = choose(features, who, seed)
    everything = np.ones(len(images), bool)
    members = by_look(lambda look: train_member(features[look], who, everything), members_of(name, looks))
    return Identifier(name, accuracy, people, members)


def _check(images: np.ndarray) -> None:
    if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(
            "`images` must be uint8 of shape (n, size, size, 3). "
            f"Received: {images.dtype} of shape {tuple(images.shape)}"
        )
