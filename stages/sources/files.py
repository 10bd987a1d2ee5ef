"""What is known of a file of the source before it is read, and its bytes, from a folder or from a tar archive."""

import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from stages.core.errors import PipelineError, printable
from stages.core.params import DataParams

LONGEST_PATH = 800  # bytes of an image's path in a data set; systems allow 1,024 or more for a whole path


class RejectedImage(Exception):  # noqa: N818
    """A file that is rejected; the message is the reason."""


class Origin(NamedTuple):
    """Where files of the source come from; all files of a split, or of an archive, share one."""

    source: str
    folder: str = ""  # of their split, relative to the source, or empty
    archive: str = ""  # relative to the source, or empty
    stamp: tuple[int, ...] = ()  # of the archive when it was listed


class SourceFile(NamedTuple):
    """A file of the source, or a member of an archive in it. There may be millions, so it is small."""

    path: str  # <split>/<class>/..., split and class empty where the source has none; unique
    origin: Origin
    offset: int = 0  # of a member, in bytes
    size: int = 0  # of a member, in bytes
    refused: str = ""  # why it is rejected without being read; such a file has no class

    @property
    def split(self) -> str:
        """`train` or `test` as the source says, or an empty text."""
        return self.path.split("/", 1)[0]

    @property
    def below_split(self) -> str:
        """``/<class>/<path below the class>``, the same before and after a split, to search for patterns in."""
        return self.path[len(self.split) :]

    @property
    def class_name(self) -> str:
        """The class, as its folder is called in the source."""
        return self.path.split("/", 2)[1]

    @property
    def in_source(self) -> str:
        """The path relative to the source, as if its archives were unpacked; tables name the file by it."""
        below = self.below_split.lstrip("/")
        return f"{self.origin.folder}/{below}" if self.origin.folder else below

    @property
    def name(self) -> str:
        """What messages call it: its path, or ``<path of the archive>: <member>``."""
        archive = self.origin.archive
        if not archive or self.refused:
            return f"{self.origin.source}/{self.in_source}"
        return f"{self.origin.source}/{archive}: {self.member}"

    @property
    def member(self) -> str:
        """The path of a member relative to the folder of its archive, below its class if its `.cls` names it."""
        return self.in_source[self.origin.archive.rfind("/") + 1 :]


@lru_cache
def shared_origin(source: str, folder: str, archive: str, stamp: tuple[int, ...]) -> Origin:
    """Return an origin, the same object for all its files."""
    return Origin(source, folder, archive, stamp)


def refused_file(source: Path, split: str, name: str, reason: str) -> SourceFile:
    """Return a file, archive or member that is rejected without being read, and so has no class."""
    return SourceFile(f"{split}//{name}", shared_origin(str(source), "", "", ()), refused=reason)


def read_source(source: SourceFile, *, max_bytes: int, within: Path | None) -> bytes:
    """Read a file of the source."""
    if source.refused:
        raise RejectedImage(source.refused)
    if len(os.fsencode(source.path)) > LONGEST_PATH:
        raise RejectedImage(f"the path is longer than {LONGEST_PATH} bytes")
    archive = source.origin.archive
    file = Path(source.origin.source, archive or source.in_source)
    size = check_file(file, within)
    size = source.size if archive else size
    if size > max_bytes:
        raise RejectedImage(f"{size} bytes are more than an image of data.max_pixels has")
    try:
        if not archive:
            return file.read_bytes()
        with file.open("rb", buffering=0) as stream:
            if stamp_of(os.fstat(stream.fileno())) != source.origin.stamp:
                raise PipelineError(f"`{printable(file)}` must not change while `ingest` reads it; run it again")
            content = os.pread(stream.fileno(), source.size, source.offset)
    except OSError as error:
        raise RejectedImage(f"the file cannot be read ({error.strerror})") from None
    if len(content) != source.size:
        raise RejectedImage("the archive ends before its member does")
    return content


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """Return what tells whether a file is still the same."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def check_file(file: Path, within: Path | None) -> int:
    """Reject what is not a regular file, or lies behind a link that leads out, and return the file's size."""
    if leads_out(file, within):
        raise RejectedImage("the link leads out of data.source (data.follow_outside_links: false)")
    try:
        status = file.stat()
    except OSError as error:
        raise RejectedImage(f"the file cannot be read ({error.strerror})") from None
    if stat.S_ISDIR(status.st_mode):
        try:
            next(file.iterdir(), None)
        except OSError as error:
            raise RejectedImage(f"the folder cannot be listed ({error.strerror})") from None
        raise RejectedImage("the folder was taken already, or a link in it leads to a folder above")
    if not stat.S_ISREG(status.st_mode):
        raise RejectedImage("not a regular file")
    return status.st_size


def link_limit(params: DataParams) -> Path | None:
    """Return the folder that no link may lead out of, or None where links may lead anywhere."""
    return None if params.follow_outside_links else Path(params.source)


def leads_out(file: Path, within: Path | None) -> bool:
    """Return whether symbolic links, in any part of a path, lead to a place outside a folder; not if it is None."""
    return within is not None and not is_within(os.path.realpath(file), os.path.realpath(within))


def is_within(real: str, top: str) -> bool:
    """Return whether a real path is that of a folder, or of what lies in it."""
    return real == top or real.startswith(os.path.join(top, ""))  # noqa: PTH118, the names of real paths as they are
