"""Who is named in what a view shows: by attackers who learned from raw, anonymized, denoised or restored images."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from stages.attacks.evidence import Evidence
from stages.attacks.identity import Identifier, chance_of, learn, train_identifier, training_sets
from stages.attacks.operating_points import measure_operating_points
from stages.attacks.pooling import Distances, groups_of
from stages.core.params import RAW
from stages.core.people import People
from stages.core.store import remembered
from stages.evidence.noise import noise_removers
from stages.evidence.target import Change, Target
from stages.evidence.views import View, crops_of_several, gather, label_views, surroundings_view


class Holdings(NamedTuple):
    """What attackers hold of one view of a data set."""

    target: Target
    view: View
    splits: dict[str, list[str]]
    bursts: dict[str, int]  # groups of near-duplicates among the test images, by path

    def evidence(self, change: Change | None = None) -> Evidence:
        """Read the images, anonymized ones changed in a way."""
        return gather(self.target, self.view, self.splits, change)

    @property
    def asked(self) -> dict[str, int]:
        """The people in the test images that attackers are asked about, by path."""
        return self.view.roles.asked if self.view.roles else {}

    def verdicts(self, paths: Iterable[str], found: Distances) -> dict[str, list[int]]:
        """Return whom an attacker names in images that it was asked about, near-duplicates together."""
        return verdicts(np.array([self.asked[path] for path in paths]), found, groups_of(paths, self.bursts))


def verdicts(people: np.ndarray, found: Distances, groups: np.ndarray) -> dict[str, list[int]]:
    """Return whom an attacker names, by image, those of a group together; and by all images of a person together."""
    return {
        "people": people.tolist(),
        "named": found.pooled(groups).tolist(),
        "pooled": found.pooled(people).tolist(),
    }


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


def identify_around_regions(held: Holdings, people: People) -> dict[str, dict[str, list[int]]]:
    """Return whom the informed attacker names by regions of one label, or by what is around the main region."""
    labels = {f"informed_{label or 'unlabelled'}": view for label, view in label_views(held.target, people).items()}

    def attack(seen: Holdings) -> dict[str, list[int]]:
        evidence = seen.evidence()
        return seen.verdicts(seen.asked, _distances(_train_informed(evidence), evidence.test.known().anonymized))

    views = labels | surroundings_view(held.target, people)
    return {name: attack(held._replace(view=view)) for name, view in views.items()}


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
