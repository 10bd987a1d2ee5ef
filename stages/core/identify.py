"""Finds out who is in the files of the source, from a table beside them or from their paths."""

import csv
import re
from pathlib import Path

from stages.core.errors import PipelineError
from stages.core.params import DataParams
from stages.core.people import IDENTITIES
from stages.core.sources import SourceFile

_COLUMNS = ("path", "identity")


def identify_sources(files: list[SourceFile], params: DataParams) -> dict[str, str]:
    """Find out who is in the files of the source.

    `identities.csv` at the top of the source says so, with the columns `path`, relative to the source, and `identity`.
    Without that file, the group of `data.identity_pattern` does, searched for in ``<split>/<class>/...``.

    Parameters
    ----------
    files : list of SourceFile
        As `stages.core.sources.find_sources` found them.
    params : DataParams
        The source and the pattern.

    Returns
    -------
    dict of str to str
        `SourceFile.path` to person, for the files whose person is known.

    Raises
    ------
    PipelineError
        If the table lacks a column, or a row names no file of the source, or a file twice.
    """
    source = Path(params.source)
    table = source / IDENTITIES
    if table.is_file():
        known = _read_table(table)
        return {file.path: known[name] for file in files if (name := file.file.relative_to(source).as_posix()) in known}
    if params.identity_pattern is None:
        return {}
    pattern = re.compile(params.identity_pattern)
    return {file.path: match[1] for file in files if (match := pattern.search(file.path)) and match[1]}


def _read_table(file: Path) -> dict[str, str]:
    try:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise PipelineError(f"`{file}` must be a CSV file in UTF-8; received: {error}") from None
    people: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        path, identity = (row.get(column) for column in _COLUMNS)
        if not path or not identity:
            raise PipelineError(
                f"`{file}` must have the columns {' and '.join(_COLUMNS)}, both filled; line {number} has not"
            )
        if path in people or not (file.parent / path).is_file():
            what = "a file that an earlier line names" if path in people else "no file of the source"
            raise PipelineError(f"`{file}` must name each file of the source at most once; line {number} names {what}")
        people[path] = identity
    return people
