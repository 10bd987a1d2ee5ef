"""The attacks that need evidence alone, one line each.

Those that name people are described in `results/columns.py`. `attack` runs the others, such as those that restore
images first.
"""

from collections.abc import Callable

import numpy as np

from stages.attacks.evidence import UNKNOWN, Evidence
from stages.attacks.linkage import linkage

Attack = Callable[[Evidence], "np.ndarray | dict[str, float]"]

# An attack returns whom it names in the test images, of shape (n,), and counts among the attackers that name people; or
# numbers by key, which are in the results as <name>_<key>.
ATTACKS: dict[str, Attack] = {"linkage": linkage}


def run_attacks(evidence: Evidence) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return the numbers that the attacks found, and whom they name in the test images of known people."""
    numbers: dict[str, float] = {}
    names: dict[str, np.ndarray] = {}
    for name, attack in ATTACKS.items():
        found = attack(evidence)
        if isinstance(found, dict):
            numbers |= {f"{name}_{key}": value for key, value in found.items()}
        else:
            names[name] = found[evidence.test.people != UNKNOWN]
    return numbers, names
