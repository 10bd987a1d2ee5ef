"""The images of one view that attackers hold, or are asked about, and what they make of them."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from stages.attacks.evidence import UNKNOWN, Evidence, Photos
from stages.attacks.pooling import Distances, groups_of
from stages.core.datasets import Dataset
from stages.core.parallel import map_ordered
from stages.core.params import RAW
from stages.core.seeding import order_key
from stages.evidence.target import Change, Target
from stages.evidence.views import View


class Chosen(NamedTuple):
    """Who is in the images that attackers hold or are asked about, by path in the data set."""

    train: dict[str, int]
    references: dict[str, int]
    test: dict[str, int]

    @property
    def sets(self) -> list[dict[str, int]]:
        """The images of known people to learn from, and maybe others to enroll."""
        return [known for known in (_known(self.train), self.references) if known]

    @property
    def asked(self) -> dict[str, int]:
        """The test images of known people."""
        return _known(self.test)


class Holdings(NamedTuple):
    """What attackers hold of one view of a data set."""

    target: Target
    view: View
    splits: dict[str, list[str]]
    bursts: dict[str, int]  # groups of near-duplicates among the test images, by path in the split

    @property
    def asked(self) -> dict[str, int]:
        """The people in the test images that attackers are asked about, by path in the split."""
        return self.view.roles.asked if self.view.roles else {}

    def chosen(self) -> Chosen:
        """Choose the images of known people and, up to `attack.identity_images` of each split, others."""
        learned, enrolled, asked = self.view.roles[:3] if self.view.roles else ({}, {}, {})
        params = self.target.params.attack

        def fill(split: str, people: dict[str, int]) -> dict[str, int]:
            taken = people.keys() | (enrolled.keys() if split == "test" else set())
            unknown = [path for path in self.splits[split] if path not in taken and self.view.shows(f"{split}/{path}")]
            unknown.sort(key=lambda path: order_key(params.seed, path))
            return people | dict.fromkeys(unknown[: max(0, params.identity_images - len(people))], UNKNOWN)

        parts = ("train", fill("train", learned)), ("test", enrolled), ("test", fill("test", asked))
        return Chosen(*({f"{split}/{path}": person for path, person in people.items()} for split, people in parts))

    def evidence(self, change: Change | None = None) -> Evidence:
        """Read the chosen images; anonymized ones may be changed, for instance restored, before they are looked at."""
        target = self.target

        def photos(people: dict[str, int]) -> Photos:
            raw = _look_at(target.raw, self.view, list(people))
            anonymized = raw if target.name == RAW else _look_at(target.images, self.view, list(people), change)
            return Photos(raw, anonymized, np.fromiter(people.values(), int))

        train, references, test = map(photos, self.chosen())
        return Evidence(train, references, test, target.params.attack.seed)

    def verdicts(self, paths: Collection[str], found: Distances) -> dict[str, list[int]]:
        """Return whom an attacker names, by image, near-duplicates together; and by all images of a person together."""
        people = np.array([self.asked[path] for path in paths])
        return {
            "people": people.tolist(),
            "named": found.pooled(groups_of(paths, self.bursts)).tolist(),
            "pooled": found.pooled(people).tolist(),
        }


def _known(images: dict[str, int]) -> dict[str, int]:
    return {path: person for path, person in images.items() if person != UNKNOWN}


def _look_at(dataset: Dataset, view: View, paths: list[str], change: Change | None = None) -> np.ndarray:
    show = view.look  # without the roles, of which workers of a cluster have no need

    def look(path: str) -> np.ndarray:
        image = dataset.image(path)
        return show(image if change is None else change(image, path), path)

    images = map_ordered(look, paths, total=len(paths), label=f"{dataset.folder.name} {view.name}")
    return np.stack(list(images)) if paths else np.empty((0, 1, 1, 3), np.uint8)
