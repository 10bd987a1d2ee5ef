"""Who is in which image of `data/raw`: `ingest` keeps it in `data/identities.csv`, `attack` reads it."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from stages.core.files import write_file
from stages.core.seeding import order_key

IDENTITIES = "identities.csv"
PEOPLE_FILE = Path("data") / IDENTITIES  # of the same name as the table that a source may have at its top


class People(NamedTuple):
    """The people of the images whose person is known, by path relative to the split."""

    train: dict[str, int]
    test: dict[str, int]


class Roles(NamedTuple):
    """What images are for when people are to be named, by path relative to the split."""

    learned: dict[str, int]  # training images, that teach what tells people apart
    enrolled: dict[str, int]  # test images of people who are not in train: the photos that an attacker has of them
    asked: dict[str, int]  # test images, whose people are to be named


def write_people(people: dict[str, str]) -> None:
    """Write who is in the images of `data/raw`, people as numbers: by who comes first in the order of the paths.

    Such numbers tell no more than the paths and who shares an image's person. A list of names recovers none of them.

    Parameters
    ----------
    people : dict of str to str
        Path below `data/raw` to person.
    """
    numbers: dict[str, int] = {}
    for path in sorted(people):
        numbers.setdefault(people[path], len(numbers))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["image", "identity"])
    writer.writerows((path, numbers[people[path]]) for path in sorted(people))
    write_file(PEOPLE_FILE, table.getvalue().encode())


def read_people() -> People:
    """Read what `write_people` wrote."""
    people = People({}, {})
    with PEOPLE_FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            split, path = row["image"].split("/", 1)
            getattr(people, split)[path] = int(row["identity"])
    return people


def assign_roles(people: People, seed: int) -> Roles | None:
    """Decide which images teach an attacker, and which are asked of it.

    Where at least half of the people in test are in train too, the images of those people are asked. Where people are
    split, the attacker has half of everyone's test images as references, and is asked the others.

    Parameters
    ----------
    people : People
        Who is in which image.
    seed : int
        Of the choice of references.

    Returns
    -------
    Roles or None
        None if there are no two people to learn from, or nobody to ask for.
    """
    seen = set(people.train.values())
    asked = {path: person for path, person in people.test.items() if person in seen}
    enrolled: dict[str, int] = {}
    if 2 * len(set(asked.values())) < len(set(people.test.values())):
        enrolled, asked = _split_references(people.test, seed)
    known = set((enrolled or people.train).values())
    return Roles(people.train, enrolled, asked) if min(len(seen), len(known)) > 1 and asked else None


def _split_references(test: dict[str, int], seed: int) -> tuple[dict[str, int], dict[str, int]]:
    parts: tuple[dict[str, int], dict[str, int]] = {}, {}
    images, dealt = Counter(test.values()), Counter()
    for path in sorted(test, key=lambda path: order_key(seed, path)):
        person = test[path]
        if images[person] > 1:
            parts[dealt[person] % 2][path] = person
            dealt[person] += 1
    return parts
