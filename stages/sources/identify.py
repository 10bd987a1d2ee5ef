"""Finds out who is in the files of the source, and of what group, from tables beside them or from their paths."""

import re
from typing import NamedTuple

from stages.core.images import class_of
from stages.core.params import DataParams
from stages.core.people import GROUPS, IDENTITIES
from stages.sources.files import SourceFile
from stages.sources.names import folded, names_person
from stages.sources.tables import composed, find_table, read_column, source_places


class Identified(NamedTuple):
    """Who is in the files of the source, as far as that is known."""

    people: dict[str, str]  # path relative to the source to person; a table may know files that are not read
    by_table: bool


def identify_sources(files: list[SourceFile], params: DataParams) -> Identified:
    """Find out who is in the files of the source, from `identities.csv`, or else by `data.identity_pattern`."""
    people = _read_table(IDENTITIES, "identity", files, params)
    if people is not None or not params.has_classes or params.identity_pattern is None:
        return Identified(people or {}, by_table=people is not None)
    pattern = re.compile(params.identity_pattern)
    matches = ((file.in_source, pattern.search(file.below_split)) for file in files)
    people = {path: composed((match[1] or "").strip()) for path, match in matches if match}
    return Identified({path: person for path, person in people.items() if person}, by_table=False)


def find_groups_of_people(files: list[SourceFile], params: DataParams) -> dict[str, str]:
    """Find out of what group of people the files of the source are, such as an age, from `groups.csv`."""
    return _read_table(GROUPS, "group", files, params) or {}


def _read_table(name: str, column: str, files: list[SourceFile], params: DataParams) -> dict[str, str] | None:
    table = find_table(params, name) if params.has_classes else None
    return None if table is None else read_column(table, column, source_places(files, params))


def count_named_paths(people: dict[str, str], *, by_table: bool, renamed: bool) -> int:
    """Count the images whose written path names the person in them."""
    below = {path: path.split("/", 1)[1] for path in people}
    if renamed:
        return sum(names_person(class_of(below[path]), person) for path, person in people.items())
    if by_table:
        return sum(names_person(below[path], person) for path, person in people.items())
    return sum(folded(person) in folded(below[path]) for path, person in people.items())
