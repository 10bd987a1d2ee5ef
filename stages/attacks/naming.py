"""Names the people in images: by who learned from anonymized images, from raw ones, or restores them first."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from stages.attacks.evidence import Evidence
from stages.attacks.identity import train_identifier

Lessons = list[tuple[np.ndarray, np.ndarray]]  # to train on, and maybe to enroll: images, and who


def lessons_of(evidence: Evidence, *, raw: bool) -> Lessons:
    """Return what an identifier learns from: training images of known people, and references where there are any.

    Parameters
    ----------
    evidence : Evidence
        What the attacker holds.
    raw : bool
        Whether it learns from raw images, or from anonymized ones.

    Returns
    -------
    list of tuple of ndarray
        Images (n, size, size, 3) uint8, and who is in them (n,) int.
    """
    parts = [photos.known() for photos in (evidence.train, evidence.references)]
    return [(part.raw if raw else part.anonymized, part.people) for part in parts if len(part.people)]


def learn(lessons: Lessons, seed: int, train: Callable[..., Any] | None = None) -> Any:
    """Train an identifier, and enroll the people of the references.

    Parameters
    ----------
    lessons : list of tuple of ndarray
        From `lessons_of`.
    seed : int
        Of its choices and draws.
    train : callable, optional
        What trains it; by default `stages.attacks.identity.train_identifier`.

    Returns
    -------
    Identifier
        Or whatever `train` returns.
    """
    identifier = (train or train_identifier)(*lessons[0], seed=seed)
    return identifier.enroll(*lessons[1]) if lessons[1:] else identifier


def chance_of(evidence: Evidence) -> float:
    """Return the share of test images named right by always naming whom the attacker knows from most images.

    Returns
    -------
    float
        At least 1 / the number of people whom it knows.
    """
    _, known = lessons_of(evidence, raw=True)[-1]
    images_of = Counter(known.tolist())
    who = evidence.test.known().people
    return max(float(np.mean(who == images_of.most_common(1)[0][0])), 1 / len(images_of))
