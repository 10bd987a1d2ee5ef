"""Who is in the picture? Trains several identifiers, and keeps the one that does best on held-out images."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from stages.attacks._learning.candidates import by_look, choose, in_means, looks_of_candidate, train_member
from stages.attacks._learning.discriminant import Discriminant
from stages.attacks._learning.looks import features_of, looks_of, moved_copy
from stages.attacks.evidence import Evidence

MOVED_IMAGES = 2000  # about this many moved copies are learned from, up to 4 of an image
CHUNK = 1024
TrainingSets = list[tuple[np.ndarray, np.ndarray]]  # images and people to train on, and maybe others to enroll


class Identifier:
    """Names the person in an image; `train_identifier` makes it."""

    def __init__(
        self, name: str, validation_accuracy: float | None, people: np.ndarray, members: dict[str, Discriminant]
    ) -> None:
        self.name = name  # of the candidate that won: committee, pixels or gradients
        self.validation_accuracy = validation_accuracy  # on images held out; None if everyone has one image only
        self.people = people  # (people,) int: whom it knows, in ascending order
        self._members = members

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Name the people in images of any size; an unknown person is matched to the most similar known one."""
        return self.people[self.distances(images).argmin(axis=1)]

    def distances(self, images: np.ndarray) -> np.ndarray:
        """Return how far images are from the known people, (images, people), in shares of an image's mean distance."""
        return np.concatenate([np.empty((0, len(self.people))), *self._distances(images)])

    def _distances(self, images: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            members = self._members.items()
            yield np.sum([in_means(member.distances(features_of(look, part))) for look, member in members], axis=0)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All that was learned, as plain arrays, for `restored`."""
        accuracy = np.nan if self.validation_accuracy is None else self.validation_accuracy
        learned = {"name": np.array(self.name), "validation_accuracy": np.array(accuracy), "people": self.people}
        for look, member in self._members.items():
            learned |= {f"{look}.{name}": array for name, array in member._asdict().items()}
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
        members = {look: Discriminant(**part) for look, part in parts.items()}
        return cls(str(arrays["name"]), accuracy, arrays["people"], members)

    def enroll(self, images: np.ndarray, identities: np.ndarray) -> "Identifier":
        """Return an identifier that names other people, and no others, by the differences that this one learned."""
        people, indices = np.unique(identities, return_inverse=True)
        members = {look: member.enroll(features_of(look, images), indices) for look, member in self._members.items()}
        return Identifier(self.name, self.validation_accuracy, people, members)


def train_identifier(images: np.ndarray, identities: np.ndarray, *, seed: int) -> Identifier:
    """Train the best of several identifiers to name the people in images, (n, size, size, 3) uint8 RGB.

    All are Fisher discriminants in a subspace, of coarse pixels, of histograms of gradients, or of both; all learn from
    slightly moved copies too. The winner is chosen on a part of the training images, then trained on all. It sees
    details as small as the images show; of more than 64 pixels, it takes several times as long.
    `identities`, (n,) int, are of at least two people, by any numbers. Moves and what is held out depend on `seed`.

    References
    ----------
    .. [1] R. McPherson, R. Shokri, V. Shmatikov, "Defeating image obfuscation with deep learning", arXiv 1609.00408,
       2016: obfuscated faces are named by whoever trains on obfuscated faces.
    .. [2] P. Belhumeur, J. Hespanha, D. Kriegman, "Eigenfaces vs. Fisherfaces: recognition using class specific linear
       projection", IEEE TPAMI 19(7), 1997.
    .. [3] N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.

    >>> faces = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    >>> train_identifier(faces.repeat(4, axis=0), np.array([7, 9]).repeat(4), seed=0).predict(faces)
    array([7, 9])
    """
    people, indices = np.unique(identities, return_inverse=True)
    moved = np.clip(MOVED_IMAGES // len(images), 1, 4)
    copies = [images, *(moved_copy(images, seed, number) for number in range(moved))]
    looks = looks_of(images.shape[1])
    features = by_look(lambda look: np.stack([features_of(look, copy) for copy in copies]), looks)
    name, accuracy = choose(features, indices, seed)
    everything = np.ones(len(images), bool)
    members = by_look(lambda look: train_member(features[look], indices, everything), looks_of_candidate(name, looks))
    return Identifier(name, accuracy, people, members)


def training_sets(evidence: Evidence, *, raw: bool) -> TrainingSets:
    """Return what an identifier learns from, raw or anonymized: training images, and references where there are any."""
    parts = [photos.known() for photos in (evidence.train, evidence.references)]
    return [(part.raw if raw else part.anonymized, part.people) for part in parts if len(part.people)]


def learn(sets: TrainingSets, seed: int, train: Callable[..., Any] = train_identifier) -> Any:
    """Train an identifier, and enroll the people of references."""
    identifier = train(*sets[0], seed=seed)
    return identifier.enroll(*sets[1]) if sets[1:] else identifier


def chance_of(evidence: Evidence) -> float:
    """Return the share of images named right by always naming the person of most known images; at least 1 / people."""
    _, known = training_sets(evidence, raw=True)[-1]
    images_of = Counter(known.tolist())
    asked = evidence.test.known().people
    return max(float(np.mean(asked == images_of.most_common(1)[0][0])), 1 / len(images_of))
