"""Whether attackers that see only what was replaced name more people than groups of k allow."""

from typing import Any

import numpy as np
from scipy.stats import binomtest

from stages.core.boxes import REGION
from stages.evidence.target import Target
from stages.regions.groups import best_guess, certify

_BY_CHANCE = 1e-6  # how rarely an attacker that only guesses may be said to break the guarantee


def check_guarantee(target: Target, scores: dict[str, Any]) -> dict[str, Any]:
    """Compare attackers of the replaced part with the best guess, who has most images of a group; and certify."""
    groups, variant = target.groups, target.variant
    if groups is None or variant is None:
        raise TypeError(f"{target.name} forms no groups")
    certificate = certify(target.images, groups, variant, target.name)
    identity = scores.get("identity" if target.acting.where == "image" else f"{REGION}identity")
    if identity is None:
        return {"best_guess": None, "broken_by": [], "certificate": certificate}
    people = next(iter(identity["attacks"].values()))["people"]
    asked = {f"test/{path}": person for path, person in zip(identity["paths"], people, strict=True)}
    guess = best_guess(groups, asked)
    broken_by = []
    for name, found in identity["attacks"].items():
        right = int(np.equal(found["people"], found["named"]).sum())
        if binomtest(right, len(found["people"]), guess, alternative="greater").pvalue < _BY_CHANCE:
            broken_by.append(name)
    if broken_by:
        print(f"attack: named more people than groups of {variant.arguments['k']} allow: {', '.join(broken_by)}")
    return {"best_guess": round(guess, 4), "broken_by": broken_by, "certificate": certificate}
