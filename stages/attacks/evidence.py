"""What attackers hold: pairs of images, raw and anonymized, and who is in them."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import stages.attacks

UNKNOWN = -1
# Attackers that `attack` runs itself.
RESERVED = ("informed", "naive", "restored", "restored_informed", "noise_guessed", "noise_known", "recognizer")


class Photos(NamedTuple):
    """Images of one square size, each raw and anonymized."""

    raw: np.ndarray  # (n, size, size, 3) uint8
    anonymized: np.ndarray  # (n, size, size, 3) uint8
    people: np.ndarray  # (n,) int: who is in each; UNKNOWN where nobody says

    def known(self) -> "Photos":
        """Return those of known people."""
        chosen = self.people != UNKNOWN
        return Photos(self.raw[chosen], self.anonymized[chosen], self.people[chosen])


class Evidence(NamedTuple):
    """All that an attack may use, and what it is asked about."""

    train: Photos  # to learn from
    references: Photos  # of people who are not in `train`, to be named; may be empty
    test: Photos  # whom they show is asked; of their raw images, only those that the attack says it holds
    seed: int  # of all its draws


Attack = Callable[[Evidence], "np.ndarray | dict[str, float]"]


def find_attacks() -> dict[str, Attack]:
    """Find the attacks that need evidence alone: the function ``<name>(evidence)`` of ``stages/attacks/<name>.py``.

    Returns
    -------
    dict of str to callable
        By name, sorted. Called with an `Evidence`, an attack returns either whom it names in the test images, of shape
        (n,), and then counts among the attackers that name people; or numbers by key, which are found in the results
        as ``<name>_<key>``.
    """
    names = sorted(
        module.name for module in pkgutil.iter_modules(stages.attacks.__path__) if not module.name.startswith("_")
    )
    taken = [name for name in names if name in RESERVED]
    if taken:
        raise ValueError(f"an attack must not be called {', '.join(RESERVED)}, as others are; received: {taken[0]}")
    functions = {name: getattr(importlib.import_module(f"stages.attacks.{name}"), name, None) for name in names}
    return {
        name: function
        for name, function in functions.items()
        if callable(function) and list(inspect.signature(function).parameters) == ["evidence"]
    }
