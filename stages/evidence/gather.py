"""Gathers the images that an attacker holds, as one view shows them."""

import numpy as np

from stages.attacks.evidence import UNKNOWN, Evidence, Photos
from stages.attacks.roles import Roles, assign_roles
from stages.core.datasets import Dataset
from stages.core.parallel import map_ordered
from stages.core.params import RAW, Params
from stages.core.people import People
from stages.core.seeding import order_key
from stages.evidence.target import Change, Target, View


def roles_in_view(view: View, people: People, params: Params) -> Roles | None:
    """Assign roles to the images of known people that a view shows; see `stages.attacks.roles`."""
    train, test = (
        {path: who for path, who in of_split.items() if view.shows(f"{split}/{path}")}
        for split, of_split in zip(People._fields, people, strict=True)
    )
    return assign_roles(train, test, most_images=params.attack.identity_images, seed=params.attack.seed)


def gather(
    target: Target, view: View, splits: dict[str, list[str]], roles: Roles | None, change: Change | None = None
) -> Evidence:
    """Read the images that an attacker holds, or is asked about.

    Parameters
    ----------
    target : Target
        The data set.
    view : View
        How they are looked at.
    splits : dict of str to list of str
        The images of train and test.
    roles : Roles or None
        Those of known people; None where nobody is known.
    change : callable, optional
        What is done to an anonymized image before it is looked at.

    Returns
    -------
    Evidence
        Images of known people and, up to `attack.identity_images` of each split, others.
    """
    learned, enrolled, asked = (roles.learned, roles.enrolled, roles.asked) if roles else ({}, {}, {})
    most, seed = target.params.attack.identity_images, target.params.attack.seed

    def fill(split: str, people: dict[str, int]) -> dict[str, int]:
        taken = people.keys() | (enrolled.keys() if split == "test" else set())
        others = [path for path in splits[split] if path not in taken and view.shows(f"{split}/{path}")]
        others.sort(key=lambda path: order_key(seed, path))
        return people | dict.fromkeys(others[: max(0, most - len(people))], UNKNOWN)

    def see(split: str, people: dict[str, int]) -> Photos:
        paths = [f"{split}/{path}" for path in people]
        raw = _see(target.raw, view, paths)
        anonymized = raw if target.name == RAW else _see(target.images, view, paths, change)
        return Photos(raw, anonymized, np.fromiter(people.values(), int))

    return Evidence(see("train", fill("train", learned)), see("test", enrolled), see("test", fill("test", asked)), seed)


def _see(dataset: Dataset, view: View, paths: list[str], change: Change | None = None) -> np.ndarray:
    def look(path: str) -> np.ndarray:
        image = dataset.image(path)
        return view.look(image if change is None else change(image, path), path)

    images = map_ordered(look, paths, total=len(paths), label=f"{dataset.folder.name} {view.name}")
    return np.stack(list(images)) if paths else np.empty((0, 1, 1, 3), np.uint8)
