"""Lists everything that the source holds; a tar archive counts as a folder, in the place where it lies.

Nobody has checked these folders: links may go in circles or lead out, and folders may be nested without end.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from stages.core.params import DataParams
from stages.sources.archives import Listed, is_archive, list_archive
from stages.sources.files import LONGEST_PATH, is_within, leads_out, link_limit
from stages.sources.signatures import HEAD, is_litter, may_be_image, suffix_of


def walk_folder(folder: Path, *, within: Path | None) -> Iterator[str]:
    """List everything in a folder and in the folders below it, and follow links.

    A folder is yielded like a file, to be rejected, if it was walked already, contains the folder that is walked, leads
    out of `within`, has a path of more than `LONGEST_PATH` bytes, or cannot be listed.
    """
    top, limit = str(folder), None if within is None else os.path.realpath(within)
    unlisted: list[str] = []
    seen: set[str] = set()
    # Of each folder: its real path, whether it is a link, and the real paths of the top and of the links above it.
    entered: dict[str, tuple[str, bool, tuple[str, ...]]] = {top: (os.path.realpath(top), True, ())}

    def keep_unlisted(error: OSError) -> None:
        if error.filename == top:
            raise error
        unlisted.append(error.filename)

    for parent, folders, files in os.walk(top, onerror=keep_unlisted, followlinks=True):
        path = parent.removeprefix(top).lstrip("/")
        real, is_link, roots = entered.pop(parent)
        if real in seen or any(is_within(root, real) for root in roots):
            yield path
            folders.clear()
            continue
        seen.add(real)
        roots = (*roots, real) if is_link else roots
        prefix = f"{path}/" if path else ""
        yield from (prefix + name for name in sorted(files))
        below, folders[:] = sorted(folders), []
        for name in below:
            entry, is_link = f"{top}/{prefix}{name}", os.path.islink(f"{top}/{prefix}{name}")  # noqa: PTH114
            inner = os.path.realpath(entry) if is_link else os.path.join(real, name)  # noqa: PTH118
            if len(os.fsencode(prefix + name)) > LONGEST_PATH or not (limit is None or is_within(inner, limit)):
                yield prefix + name
            else:
                folders.append(name)
                entered[os.path.join(parent, name)] = inner, is_link, roots  # noqa: PTH118
    yield from (file.removeprefix(top).lstrip("/") for file in unlisted)


class Listing:
    """Lists the files of a source."""

    def __init__(self, source: Path, within: Path | None):
        self.source, self.within = source, within
        # The folders in archives at the top count as folders at the top.
        self._opened = {name: self._archive(name) for name in names_in(source) if self.is_archive(name)}

    def folders_in_archives(self) -> set[str]:
        """Return the names of the folders at the top of the archives at the top."""
        places = (file.place for file in self._files_of_opened() if not file.refused and not file.is_ignored)
        return {place.split("/", 1)[0] for place in places if "/" in place}

    def opened_outside(self, *folders: str | None) -> Iterator[Listed]:
        """List what these archives hold outside some folders."""
        above = tuple(f"{folder}/" for folder in folders if folder is not None)
        yield from (file for file in self._files_of_opened() if file.refused or not file.place.startswith(above))

    def archives_in(self, folder: str) -> Iterator[Listed]:
        """List what archives hold in a folder, those at the top and those that lie in it themselves."""
        yield from self._opened_in(folder)
        for name in names_in(self.source / folder):
            if self.is_archive(f"{folder}/{name}"):
                yield from self._archive(f"{folder}/{name}")

    def folder(self, folder: str) -> Iterator[Listed]:
        """List what lies at any depth in a folder."""
        if (self.source / folder).is_dir():
            for below in walk_folder(self.source / folder, within=self.within):
                path = f"{folder}/{below}" if folder else below
                if is_litter(below):
                    yield Listed(path, is_ignored=True)
                elif self.is_archive(path):
                    yield from self._opened.pop(path, None) or self._archive(path)
                else:
                    yield Listed(path, is_ignored=self._is_other_file(path))
        if folder:
            yield from self._opened_in(folder)

    def is_archive(self, path: str) -> bool:
        """Return whether a path is that of an archive, by its name. Hidden files and folders are none."""
        return is_archive(path) and not is_litter(path) and not (self.source / path).is_dir()

    def _files_of_opened(self) -> Iterator[Listed]:
        return itertools.chain.from_iterable(self._opened.values())

    def _opened_in(self, folder: str) -> Iterator[Listed]:
        yield from (
            file for file in self._files_of_opened() if file.place.startswith(f"{folder}/") and not file.refused
        )

    def _archive(self, path: str) -> list[Listed]:
        return list_archive(self.source, path, self.within)

    def _is_other_file(self, path: str) -> bool:
        # Folders of photos often hold notes and side-car files. One that cannot be read is none: it is rejected later.
        suffix, file = suffix_of(path), self.source / path
        if may_be_image(suffix, b""):
            return False
        if leads_out(file, self.within) or not file.is_file():
            return False
        try:
            with file.open("rb") as stream:
                return not may_be_image(suffix, stream.read(HEAD))
        except OSError:
            return False


def names_in(folder: Path) -> list[str]:
    """List a folder by name; nothing where it is none, as an archive alone may hold it."""
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def list_places(params: DataParams) -> Iterator[str]:
    """List all files of a source, and what its archives hold, that which is hidden or ignored too."""
    yield from (file.place for file in Listing(Path(params.source), link_limit(params)).folder(""))
