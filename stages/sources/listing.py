"""Lists everything that the source holds; a tar archive counts as a folder, in the place where it lies."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from stages.sources.archives import is_archive, is_compressed, list_archive
from stages.sources.decoding import RejectedImage
from stages.sources.reading import check_file, stamp_of
from stages.sources.signatures import HEAD, is_litter, may_be_image, suffix_of
from stages.sources.walking import leads_out, walk_folder


class Listed(NamedTuple):
    """A file of the source, or a member of an archive in it."""

    place: str  # relative to the source, as if its archives were unpacked; if it is refused, what to call it
    archive: str = ""  # relative to the source
    stamp: tuple[int, ...] = ()  # of the archive before it was listed
    offset: int = 0  # of a member, in bytes
    size: int = 0  # of a member, in bytes
    label: str | None = None  # the class that a member's `.cls` gives it
    refused: str = ""  # why it is rejected
    is_ignored: bool = False

    @property
    def as_member(self) -> str:
        """What to call a member that takes no place in the source; no other has the same name."""
        return name_member(self.archive, self.place[self.archive.rfind("/") + 1 :], self.offset)


class Listing:
    """Lists the files of a source."""

    def __init__(self, source: Path, within: Path | None):
        self.source, self.within = source, within
        self._opened: dict[str, list[Listed]] = {}

    def open_archives(self, names: Iterable[str]) -> None:
        """Look into the archives among the files at the top, whose folders then count as folders at the top."""
        self._opened = {name: list(self._archive(name)) for name in names if self.is_archive(name)}

    def folders_in_archives(self) -> set[str]:
        """Return the names of the folders at the top of these archives."""
        places = (file.place for file in self._files_of_opened() if not file.refused and not file.is_ignored)
        return {place.split("/", 1)[0] for place in places if "/" in place}

    def opened_outside(self, *folders: str | None) -> Iterator[Listed]:
        """List what these archives hold outside some folders."""
        above = tuple(f"{folder}/" for folder in folders if folder is not None)
        yield from (file for file in self._files_of_opened() if file.refused or not file.place.startswith(above))

    def archives_in(self, folder: str) -> Iterator[Listed]:
        """List what archives hold in a folder, those at the top and those that lie in it themselves."""
        above = f"{folder}/"
        yield from (file for file in self._files_of_opened() if file.place.startswith(above) and not file.refused)
        if (self.source / folder).is_dir():
            for entry in sorted((self.source / folder).iterdir()):
                if self.is_archive(above + entry.name):
                    yield from self._archive(above + entry.name)

    def folder(self, folder: str) -> Iterator[Listed]:
        """List what lies at any depth in a folder."""
        above = f"{folder}/" if folder else ""
        if (self.source / folder).is_dir():
            for below in walk_folder(self.source / folder, within=self.within):
                path = above + below
                if is_litter(below):
                    yield Listed(path, is_ignored=True)
                elif self.is_archive(path):
                    yield from self._opened.pop(path, None) or self._archive(path)
                else:
                    yield Listed(path, is_ignored=self._is_other_file(path))
        if folder:
            yield from (file for file in self._files_of_opened() if file.place.startswith(above) and not file.refused)

    def is_archive(self, path: str) -> bool:
        """Return whether a path is that of an archive, by its name. Hidden files and folders are none."""
        return is_archive(path) and not is_litter(path) and not (self.source / path).is_dir()

    def _files_of_opened(self) -> Iterator[Listed]:
        return itertools.chain.from_iterable(self._opened.values())

    def _archive(self, path: str) -> Iterator[Listed]:
        above = path[: path.rfind("/") + 1]
        try:
            if is_compressed(path):
                raise RejectedImage("a tar archive must not be compressed: unpack it, or move it out of the source")
            check_file(self.source / path, self.within)
            stamp = stamp_of((self.source / path).stat())
            members = list_archive(self.source / path)
        except RejectedImage as error:
            yield Listed(path, refused=str(error))
            return
        for name, offset, size, label, refused, is_ignored in members:
            place = name_member(path, name, offset) if refused else above + name
            yield Listed(place, path, stamp, offset, size, label, refused, is_ignored)

    def _is_other_file(self, path: str) -> bool:
        # Folders of photos often hold notes and side-car files. One that cannot be read is none: it is rejected later.
        suffix = suffix_of(path)
        if may_be_image(suffix, b""):
            return False
        file = self.source / path
        if (self.within is not None and leads_out(file, self.within)) or not file.is_file():
            return False
        try:
            with file.open("rb") as stream:
                return not may_be_image(suffix, stream.read(HEAD))
        except OSError:
            return False


def name_member(archive: str, name: str, offset: int) -> str:
    """Return what to call a member that takes no place in the source; no other has the same name."""
    return f"{archive}: {name} (byte {offset})"


def list_places(source: Path, within: Path | None) -> Iterator[str]:
    """List all files of a source, and what its archives hold, that which is hidden or ignored too."""
    yield from (file.place for file in Listing(source, within).folder(""))
