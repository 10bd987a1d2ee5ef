"""What attackers hold: pairs of images, raw and anonymized, and who is in them."""

from typing import NamedTuple

import numpy as np

UNKNOWN = -1


class Photos(NamedTuple):
    """Images of one square size, each raw and anonymized."""

    raw: np.ndarray  # (n, size, size, 3) uint8
    anonymized: np.ndarray  # (n, size, size, 3) uint8
    people: np.ndarray  # (n,) int: who is in each; UNKNOWN where that is not known

    def known(self) -> "Photos":
        """Return those of known people."""
        chosen = self.people != UNKNOWN
        return Photos(self.raw[chosen], self.anonymized[chosen], self.people[chosen])


class Evidence(NamedTuple):
    """All that an attack may use, and what it is asked about."""

    train: Photos  # to learn from
    references: Photos  # of people who are not in `train` and are to be named; may be empty
    test: Photos  # the people in them are to be named; the raw ones are for attacks that say they hold them
    seed: int  # of all its draws
