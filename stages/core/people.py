"""Who is in which image of `data/raw`: `ingest` keeps it in `data/identities.csv`, `attack` reads it."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from stages.core.files import write_file

IDENTITIES = "identities.csv"
PEOPLE_FILE = Path("data") / IDENTITIES  # of the same name as the table that a source may have at its top


class People(NamedTuple):
    """The people of the images whose person is known, by path relative to the split."""

    train: dict[str, int]
    test: dict[str, int]


def write_people(people: dict[str, str]) -> None:
    """Write who is in the images of `data/raw`, with people numbered as they first appear in the sorted paths.

    These numbers tell no more than the paths, and which images show the same person. A list of names recovers none.

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
