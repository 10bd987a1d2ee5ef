"""Lists what uncompressed tar archives hold, without trust in anything that they say."""

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stages.sources.decoding import RejectedImage
from stages.sources.signatures import HEAD, is_litter, may_be_image, suffix_of

_COMPRESSED = re.compile(r"\.(tar\.(gz|bz2|xz|zst|lz4|lzma|z)|tgz|tbz2?|txz|tlz|tzst)$", re.IGNORECASE)
_LONGEST_HEADER = 2**20  # bytes of an extended header, which is read into memory
_LONGEST_END = 2**24  # bytes; tar fills up its last record, which has 10 KiB unless it is told otherwise
_LONGEST_LABEL = 255  # bytes, as of a folder's name


class Member(NamedTuple):
    """Something in an archive that is no folder."""

    name: str  # a relative path without `.` and `..`; if that is why it is refused, as the archive spells it
    offset: int  # in bytes
    size: int  # in bytes
    label: str | None = None  # the class that `<key>.cls` in the same folder gives it
    refused: str = ""  # why it is rejected
    is_ignored: bool = False  # it is litter, or is an image neither by its name nor by its content


def is_archive(path: str) -> bool:
    """Return whether a file's name says that it is a tar archive, compressed or not."""
    return path[-4:].lower() == ".tar" or is_compressed(path)


def is_compressed(path: str) -> bool:
    """Return whether a file's name says that it is a compressed tar archive."""
    return bool(_COMPRESSED.search(path))


def list_archive(file: Path) -> list[Member]:
    """List the members of an archive, or of none if any part of it is damaged."""
    try:
        with file.open("rb") as stream:
            members, labels = [], _Labels()
            for info in _headers(stream):
                labels.add(stream, info)
                members.append(_member(stream, info))
    except OSError as error:
        raise RejectedImage(f"the file cannot be read ({error.strerror})") from None
    except Exception as error:
        # Broken headers raise much besides tarfile's own errors, whose texts alone hold nothing of the file.
        reason = str(error) if isinstance(error, tarfile.TarError) else type(error).__name__
        raise RejectedImage(f"not a whole, uncompressed tar archive ({reason})") from None
    return [member._replace(label=labels.find(member.name)) for member in members]


class _NoHeaders(dict):
    """Forgets global headers, which would be applied to each member, however many and large they are."""

    def __setitem__(self, key: object, value: object) -> None:
        pass


class _Header(tarfile.TarInfo):
    __slots__ = ()

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        header = super().frombuf(buf, encoding, errors)
        is_extended = header.type in (
            tarfile.XHDTYPE,
            tarfile.XGLTYPE,
            tarfile.SOLARIS_XHDTYPE,
            tarfile.GNUTYPE_LONGNAME,
            tarfile.GNUTYPE_LONGLINK,
        )
        if header.size < 0 or (is_extended and header.size > _LONGEST_HEADER):
            raise tarfile.HeaderError("a header has an impossible size")
        return header


def _headers(stream: BinaryIO) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(
        fileobj=stream, mode="r:", tarinfo=_Header, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        archive.pax_headers = _NoHeaders()
        # Not `archive.next()`, which takes a damaged header for the end, and keeps all members.
        position = 0
        while not _is_end(stream, position):
            stream.seek(position)
            info = _Header.fromtarfile(archive)
            if info.size < 0 or archive.offset <= position:
                raise tarfile.ReadError("a header has an impossible size")
            position = archive.offset
            if not info.isdir():
                yield info


def _is_end(stream: BinaryIO, position: int) -> bool:
    stream.seek(position)
    mark = stream.read(tarfile.BLOCKSIZE)
    if mark.count(0) != len(mark):
        return False
    if len(mark) != tarfile.BLOCKSIZE:
        raise tarfile.ReadError("its end is missing")
    rest = stream.read(_LONGEST_END + 1)
    if len(rest) > _LONGEST_END or rest.count(0) != len(rest):
        raise tarfile.ReadError("more follows after its end")
    return True


def _member(stream: BinaryIO, info: tarfile.TarInfo) -> Member:
    name = _clean(info.name)
    if not name:
        return Member(info.name, info.offset, 0, refused="the name is no relative path, or has `..` in it")
    if is_litter(name):
        return Member(name, info.offset, 0, is_ignored=True)
    if not info.isreg() or info.issparse():
        reason = "not a regular file; links, devices and sparse files in archives are not read"
        return Member(name, info.offset, 0, refused=reason)
    suffix = suffix_of(name)
    is_image = may_be_image(suffix, b"") or may_be_image(suffix, _head(stream, info, HEAD))
    return Member(name, info.offset_data, info.size, is_ignored=not is_image)


def _clean(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "" if name.startswith("/") or ".." in parts or "\0" in name else "/".join(parts)


def _head(stream: BinaryIO, info: tarfile.TarInfo, size: int) -> bytes:
    return os.pread(stream.fileno(), min(info.size, size), info.offset_data)


class _Labels:
    """The contents of an archive's `.cls` files, by what a member's name and theirs have in common."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, stream: BinaryIO, info: tarfile.TarInfo) -> None:
        """Read a label, if the member is one. An empty text stands for one that cannot be a class."""
        key, extension = self._split(_clean(info.name))
        if extension.lower() == "cls" and info.isreg() and not info.issparse():
            text = _head(stream, info, _LONGEST_LABEL + 1).decode(errors="replace").strip()
            is_class = info.size <= _LONGEST_LABEL and text.isprintable() and not is_litter(text) and "/" not in text
            text = text if is_class and "\ufffd" not in text else ""
            # Two labels that differ are none.
            self.texts[key] = text if self.texts.get(key, text) == text else ""

    def find(self, name: str) -> str | None:
        """Return the label of a member, or None."""
        return self.texts.get(self._split(name)[0])

    @staticmethod
    def _split(name: str) -> tuple[str, str]:
        folder, slash, base = name.rpartition("/")
        key, _, extension = base.partition(".")
        return f"{folder}{slash}{key}", extension
