"""Who is in which image of `data/raw`, and of what group of people: tables that `ingest` keeps in `data/`."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stages.core.boxes import REGIONS
from stages.core.files import read_table, write_table
from stages.core.paths import GROUPS_FILE, IDENTITIES_FILE

IDENTITIES, GROUPS = IDENTITIES_FILE.name, GROUPS_FILE.name
TABLES = (IDENTITIES, GROUPS, REGIONS)  # that a source may have at its top


class People(NamedTuple):
    """The people of the images whose person is known, by path relative to the split."""

    train: dict[str, int]
    test: dict[str, int]


def write_people(people: dict[str, str]) -> None:
    """Write who is in the images of `data/raw`, with people numbered as they first appear in the sorted paths.

    These numbers tell no more than the paths, and which images show the same person. A list of names recovers none.
    """
    numbers: dict[str, int] = {}
    for path in sorted(people):
        numbers.setdefault(people[path], len(numbers))
    _write(IDENTITIES_FILE, "identity", {path: str(numbers[person]) for path, person in people.items()})


def read_people() -> People:
    """Read what `write_people` wrote."""
    people = People({}, {})
    for split, path, number in _read(IDENTITIES_FILE, "identity"):
        getattr(people, split)[path] = int(number)
    return people


def read_people_by_path() -> dict[str, str]:
    """Read the same by path relative to `data/raw`, where there may be no splits."""
    return {row["image"]: row["identity"] for row in read_table(IDENTITIES_FILE)}


def write_groups(groups: dict[str, str]) -> None:
    """Write the groups of the images of `data/raw`, by name."""
    _write(GROUPS_FILE, "group", groups)


def read_test_groups() -> dict[str, str]:
    """Read the groups of test images, by path relative to the split."""
    return {path: group for split, path, group in _read(GROUPS_FILE, "group") if split == "test"}


def _write(file: Path, column: str, cells: dict[str, str]) -> None:
    write_table(file, [("image", column), *sorted(cells.items())])


def _read(file: Path, column: str) -> Iterator[tuple[str, str, str]]:
    for row in read_table(file):
        split, path = row["image"].split("/", 1)
        yield split, path, row[column]
