"""Reads tables about files of the source, such as `identities.csv`, as spreadsheets and scripts write them."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from stages.core.errors import PipelineError, shown
from stages.sources.places import SourcePlaces, composed

_DELIMITERS = ",;\t"
_LONGEST_HEADER = 200  # letters of a header in an error


class Row(NamedTuple):
    """A row of a table."""

    line: int  # of the file, where the row begins
    path: str  # of the file that the row is about, relative to the source, as it is spelt on the disk
    cells: dict[str, str]  # by column; trimmed, letters composed (NFC); empty for an optional column that is missing


def read_table(
    file: Path,
    required: tuple[str, ...],
    *,
    taken: Collection[str],
    list_all: Callable[[], Iterable[str]],
    optional: tuple[str, ...] = (),
) -> dict[str, dict[str, str]]:
    """Read a table with at most one row a file of the source."""
    rows: dict[str, Row] = {}
    for row in read_rows(file, required, taken=taken, list_all=list_all, optional=optional):
        first = rows.setdefault(row.path, row)
        if first is not row:
            raise refusal(
                file, row.line, f"a file must have one row; `{shown(row.path)}` has one in line {first.line} already"
            )
    return {path: row.cells for path, row in rows.items()}


def read_rows(
    file: Path,
    required: tuple[str, ...],
    *,
    taken: Collection[str],
    list_all: Callable[[], Iterable[str]],
    optional: tuple[str, ...] = (),
    is_written: Callable[[str], bool] = lambda path: False,
    may_be_empty: bool = False,
) -> list[Row]:
    """Read a table about files of the source.

    Comma, semicolon or tab, whichever separates the columns of the header. Other columns and blank lines are ignored.
    A path for which `is_written` is true may be that of an image in `data/raw` instead, and stays as it is written.
    """
    text = _read_text(file)
    required = ("path", *required)
    delimiter = max(_DELIMITERS, key=lambda delimiter: len(set(required) & set(_header(text, delimiter))))
    lines = _lines(file, text, delimiter)
    line, header = next(lines, (1, []))
    _check_header(file, line, header, required, optional)
    columns = _columns(header)
    places = SourcePlaces(file.parent, taken, list_all)
    rows = []
    for line, cells in lines:
        if len(cells) != len(header):
            raise refusal(file, line, f"a row must have {len(header)} cells, one a column; received: {len(cells)}")
        by_column = dict(zip(columns, cells, strict=True))
        empty = [name for name in required if not by_column[name].strip()]
        if empty:
            raise refusal(file, line, f"`{empty[0]}` must be filled; received: an empty cell")
        try:
            path = places.find(by_column["path"])
        except LookupError as error:
            path = by_column["path"].strip()
            if not is_written(path):
                raise refusal(file, line, str(error)) from None
        named = {name: composed(by_column.get(name, "").strip()) for name in (*required[1:], *optional)}
        rows.append(Row(line, path, named))
    if not rows and not may_be_empty:
        raise PipelineError(f"`{shown(file)}` must hold rows below its header; received: none")
    return rows


def columns_of(file: Path) -> set[str]:
    """Return the names of a table's columns, in small letters, with whatever separates them."""
    text = _read_text(file)
    return {name for delimiter in _DELIMITERS for name in _header(text, delimiter)}


def _read_text(file: Path) -> str:
    content = file.read_bytes()
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "ignore")
        raise refusal(
            file,
            _line_after(before),
            "a table must be in UTF-8, or in UTF-16 with a byte-order mark; received: neither",
        ) from None
    if "\0" in text:
        raise refusal(file, _line_after(text[: text.index("\0")]), "a table must be text; received: a NUL byte")
    if not text.strip():
        raise PipelineError(f"`{shown(file)}` must be a table; received: an empty file")
    return text


def _line_after(text: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", text)) + 1


def _header(text: str, delimiter: str) -> list[str]:
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        return _columns(next((row for row in rows if any(cell.strip() for cell in row)), []))
    except csv.Error:
        return []


def _columns(header: list[str]) -> list[str]:
    return [cell.strip().lower() for cell in header]


def _lines(file: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = rows.line_num + 1
    except csv.Error as error:
        raise refusal(file, line, f"a table must be CSV; received: {error}") from None


def _check_header(
    file: Path, line: int, header: list[str], required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    columns = _columns(header)
    missing = [name for name in required if name not in columns]
    twice = [name for name in (*required, *optional) if columns.count(name) > 1]
    if missing or twice:
        what = f"no {' and no '.join(missing)}" if missing else f"{' and '.join(twice)} more than once"
        allowed = f", and may have {', '.join(optional)}" if optional else ""
        received = shown(", ".join(header))[:_LONGEST_HEADER]
        raise refusal(
            file,
            line,
            f"the header must have the columns {' and '.join(required)}{allowed}; received: {what} in {received}",
        )


def refusal(file: Path, line: int, message: str) -> PipelineError:
    """Return the error that refuses a line of a table, and names it."""
    return PipelineError(f"`{shown(file)}`, line {line}: {message}")
