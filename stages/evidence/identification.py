"""Who is named in what a view shows: by attackers who learned from raw, anonymized, denoised or restored images."""

from collections.abc import Callable
from typing import Any

import numpy as np

from stages.attacks.evidence import Evidence
from stages.attacks.identity import Identifier, chance_of, learn, train_identifier, training_sets
from stages.attacks.operating_points import measure_operating_points
from stages.attacks.pooling import Distances
from stages.core.params import RAW
from stages.core.people import People
from stages.core.store import remembered
from stages.evidence.holdings import Holdings
from stages.evidence.noise import noise_removers
from stages.evidence.target import Change, Target
from stages.evidence.views import View, crops_of_several, views_beside


def identify(
    held: Holdings, evidence: Evidence, named: dict[str, Distances], restored: dict[str, np.ndarray], restore: Change
) -> dict[str, Any]:
    """Return whom all attackers name, those in `named` too; `restored` are restored test images, by path."""
    effort, is_raw = held.target.params.attack.effort, held.target.name == RAW
    asked, test = list(held.asked), evidence.test.known()
    naive = informed = _train_naive(held.view, evidence)
    if not is_raw or effort == "thorough":
        informed = _train_informed(evidence, effort)
    named = named | {"informed": _distances(informed, test.anonymized), "naive": _distances(naive, test.anonymized)}
    for name, remove in noise_removers(held.target, asked[0]).items():
        denoised = held.evidence(remove)
        named[name] = _distances(_train_informed(denoised), denoised.test.known().anonymized)
    if held.view.prefix:
        named |= _name_by_every_region(held.target, asked, informed, named["informed"])
    attacks = {name: held.verdicts(asked, found) for name, found in named.items()}
    judged = [path for path in asked if path in restored]
    if judged:
        images = np.stack([restored[path] for path in judged])
        attacks["restored"] = held.verdicts(judged, _distances(naive, images))
        if not is_raw and effort == "thorough":
            identifier = _train_informed(held.evidence(restore))
            attacks["restored_informed"] = held.verdicts(judged, _distances(identifier, images))
    roles = held.view.roles
    return {
        "attacker": informed.name,
        "paths": asked,
        "attacks": attacks,
        "operating_points": measure_operating_points(informed, test.anonymized, test.people),
        "chance": chance_of(evidence),
        "left_out": {"people": roles.people_left_out, "images": roles.images_left_out} if roles else {},
    }


def identify_beside(held: Holdings, people: People) -> dict[str, dict[str, list[int]]]:
    """Return whom the informed attacker names by regions of one label, or by what is around the main region."""
    found = {}
    for name, view in views_beside(held.target, people).items():
        seen = held._replace(view=view)
        evidence = seen.evidence()
        distances = _distances(_train_informed(evidence), evidence.test.known().anonymized)
        found[name] = seen.verdicts(seen.asked, distances)
    return found


def _name_by_every_region(target: Target, asked: list[str], informed: Any, found: Distances) -> dict[str, Distances]:
    """Name the person whom any region of an image resembles most, where images have several."""
    several = crops_of_several(target, [f"test/{path}" for path in asked])
    values = found.values.copy()
    for path, crops in several.items():
        values[asked.index(path.removeprefix("test/"))] = informed.distances(crops).min(axis=0)
    return {"every": found._replace(values=values)} if several else {}


def _distances(identifier: Identifier, images: np.ndarray) -> Distances:
    return Distances(identifier.people, identifier.distances(images))


def _train_naive(view: View, evidence: Evidence) -> Identifier:
    # The attacks on all data sets need the identifier that learned from raw images, and it takes half of their time.
    sets, seed = training_sets(evidence, raw=True), evidence.seed
    inputs = [seed, *(array for pair in sets for array in pair)]
    arrays = remembered(f"naive_of_{view.name}", inputs, ("attacks", "core"), lambda: learn(sets, seed).arrays)
    return Identifier.restored(arrays)


def _train_informed(evidence: Evidence, effort: str = "quick") -> Identifier:
    trainer: Callable[..., Identifier] = train_identifier
    if effort != "quick":
        from stages.attacks._learning.network import train_strongest  # it imports TensorFlow, which takes seconds

        trainer = train_strongest
    return learn(training_sets(evidence, raw=False), evidence.seed, trainer)
