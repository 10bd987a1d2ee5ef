"""Finds the tables at the top of a source, and the files of the source to which their paths refer."""

import os
import unicodedata
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from pathlib import Path

from stages.core.errors import PipelineError, shown
from stages.sources.walking import leads_out


def composed(text: str) -> str:
    """Return a text with composed letters (Unicode NFC), however it was typed."""
    return unicodedata.normalize("NFC", text)


def find_table(source: Path, name: str) -> Path | None:
    """Find a table at the top of the source."""
    for table in sorted(source.iterdir()):
        if table.name.lower() != name or table.is_dir():
            continue
        if table.name != name:
            raise PipelineError(f"`{shown(table)}` must be named `{name}`, in small letters")
        if leads_out(table, source):
            raise PipelineError(f"`{shown(table)}` must lie in the source; received: a link that leads out of it")
        if not table.is_file():
            raise PipelineError(
                f"`{shown(table)}` must be a regular file; received: another kind, or a link to nothing"
            )
        return table
    return None


class SourcePlaces:
    """The files of a source."""

    def __init__(self, source: Path, taken: Collection[str], list_all: Callable[[], Iterable[str]]):
        self._list_all = list_all
        self._taken = set(taken)
        self._roots = [os.path.abspath(source), os.path.realpath(source)]  # noqa: PTH100, with links and without

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
                    f"`path` must name one file; received: {shown(written)}, and {len(found)} files have that name, in "
                    "letters that are composed differently"
                )
        raise LookupError(f"`path` must name a file of the source; received: {shown(written)}")

    @cached_property
    def _by_letters(self) -> dict[str, list[str]]:
        spellings: dict[str, list[str]] = {}
        for path in sorted({*self._taken, *self._list_all()}):
            spellings.setdefault(composed(path), []).append(path)
        return spellings

    def _relative(self, path: str) -> str:
        parts = _parts(path)
        if parts is not None and not path.startswith("/"):
            return "/".join(parts)
        for root in self._roots:
            above = _parts(root)
            if parts and above is not None and composed("/".join(parts[: len(above)])) == composed("/".join(above)):
                return "/".join(parts[len(above) :])
        raise LookupError(f"`path` must stay in the source; received: {shown(path)}")


def _parts(path: str) -> list[str] | None:
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return parts
