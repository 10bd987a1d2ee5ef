"""Reads tables about files of the source, such as `identities.csv`, as spreadsheets and scripts write them."""

import csv
import io
import os
import posixpath
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from stages.core.errors import PipelineError, printable
from stages.core.params import DataParams
from stages.sources.files import RejectedImage, SourceFile, check_file, link_limit
from stages.sources.listing import list_places

_LONGEST_HEADER = 200  # letters of a header in an error


def composed(text: str) -> str:
    """Return a text with composed letters (Unicode NFC), however it was typed."""
    return unicodedata.normalize("NFC", text)


def refusal(file: Path, line: int, message: str) -> PipelineError:
    """Return the error that refuses a line of a table, and names it."""
    return PipelineError(f"`{printable(file)}`, line {line}: {message}")


def find_table(params: DataParams, name: str) -> Path | None:
    """Find a table at the top of the source."""
    for table in sorted(Path(params.source).iterdir()):
        if table.name.lower() != name or table.is_dir():
            continue
        if table.name != name:
            raise PipelineError(f"`{printable(table)}` must be named `{name}`, in small letters")
        try:
            check_file(table, link_limit(params))
        except RejectedImage as error:
            raise PipelineError(f"`{printable(table)}` must be a table of the source; received: {error}") from None
        return table
    return None


class Row(NamedTuple):
    """A row of a table."""

    line: int  # of the file, where the row begins
    path: str  # of the file that the row is about, relative to the source, as it is spelt on the disk
    cells: dict[str, str]  # by column; trimmed, letters composed (NFC); empty for an optional column that is missing


def read_column(file: Path, column: str, places: "SourcePlaces") -> dict[str, str]:
    """Read a column of a table with at most one row a file of the source."""
    rows: dict[str, Row] = {}
    for row in read_rows(file, [(column,)], places):
        first = rows.setdefault(row.path, row)
        if first is not row:
            message = f"a file must have one row; `{printable(row.path)}` has one in line {first.line} already"
            raise refusal(file, row.line, message)
    return {path: row.cells[column] for path, row in rows.items()}


def read_rows(
    file: Path,
    headers: Sequence[tuple[str, ...]],
    places: "SourcePlaces",
    *,
    optional: tuple[str, ...] = (),
    is_written: Callable[[str], bool] = lambda path: False,
    may_be_empty: bool = False,
) -> list[Row]:
    """Read a table about files of the source, which must have the columns of one of the headers.

    Comma, semicolon or tab, whichever separates the columns of the header. Other columns and blank lines are ignored.
    A path for which `is_written` is true may be that of an image in `data/raw` instead, and stays as it is written.
    """
    lines = _lines(file, _read_text(file))
    line, header = next(lines, (1, []))
    columns = _columns(header)
    required = ("path", *next((names for names in headers if set(names) <= set(columns)), headers[0]))
    missing = [name for name in required if name not in columns]
    twice = [name for name in (*required, *optional) if columns.count(name) > 1]
    if missing or twice:
        what = f"no {' and no '.join(missing)}" if missing else f"{' and '.join(twice)} more than once"
        allowed = " and ".join(required) + (f", and may have {', '.join(optional)}" if optional else "")
        received = printable(", ".join(header))[:_LONGEST_HEADER]
        raise refusal(file, line, f"the header must have the columns {allowed}; received: {what} in {received}")
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
        raise PipelineError(f"`{printable(file)}` must hold rows below its header; received: none")
    return rows


def _read_text(file: Path) -> str:
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refusal(file, line, "a table must be in UTF-8; received: another encoding") from None
    if not text.strip():
        raise PipelineError(f"`{printable(file)}` must be a table; received: an empty file")
    return text


def _columns(header: list[str]) -> list[str]:
    return [cell.strip().strip(' "').lower() for cell in header]


def _lines(file: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    # Not pandas, which fills up short rows, and does not tell in which line of the file a row begins.
    header = next((line for line in text.splitlines() if line.strip(" ,;\t")), "")
    delimiter = next((each for each in ",;\t" if "path" in _columns(header.split(each))), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = rows.line_num + 1
    except csv.Error as error:
        raise refusal(file, line, f"a table must be CSV; received: {error}") from None


def source_places(files: Iterable[SourceFile], params: DataParams) -> "SourcePlaces":
    """Return the files of the source, to find them by what a table calls them."""
    return SourcePlaces(Path(params.source), (file.in_source for file in files), lambda: list_places(params))


class SourcePlaces:
    """The files of a source, to which the paths of a table refer, however they are written."""

    def __init__(self, source: Path, taken: Iterable[str], list_all: Callable[[], Iterable[str]] = tuple):
        self._taken, self._list_all = set(taken), list_all
        self._roots = os.path.abspath(source), os.path.realpath(source)  # noqa: PTH100, with links and without

    def find(self, written: str) -> str:
        """Find a file."""
        if written in self._taken:
            return written
        trimmed = written.strip()
        for spelling in dict.fromkeys([written, trimmed, trimmed.replace("\\", "/")]):
            path = self._relative(spelling)
            if path in self._taken:
                return path
            found = self._by_letters.get(composed(path), [])
            if path in found or len(found) == 1:
                return path if path in found else found[0]
            if found:
                raise LookupError(
                    f"`path` must name one file; received: {printable(written)}, and {len(found)} files have that "
                    "name, in letters that are composed differently"
                )
        raise LookupError(f"`path` must name a file of the source; received: {printable(written)}")

    @cached_property
    def _by_letters(self) -> dict[str, list[str]]:
        spellings: dict[str, list[str]] = {}
        for path in sorted({*self._taken, *self._list_all()}):
            spellings.setdefault(composed(path), []).append(path)
        return spellings

    def _relative(self, path: str) -> str:
        for root in self._roots:
            parts, depth = posixpath.normpath(f"/{posixpath.join(root, path)}").lstrip("/").split("/"), root.count("/")
            if composed("/".join(["", *parts[:depth]])) == composed(root):
                return "/".join(parts[depth:])
        raise LookupError(f"`path` must stay in the source; received: {printable(path)}")
