"""Lists what uncompressed tar archives hold, without trusting anything they say."""

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stages.sources.files import RejectedImage, check_file, stamp_of
from stages.sources.signatures import HEAD, is_litter, may_be_image, suffix_of

_COMPRESSED = re.compile(r"\.(tar\.(gz|bz2|xz|zst|lz4|lzma|z)|tgz|tbz2?|txz|tlz|tzst)$", re.IGNORECASE)
_LONGEST_HEADER = 2**20  # bytes of an extended header, which is read into memory
_LONGEST_END = 2**24  # bytes; tar fills up its last record, which has 10 KiB by default
_LONGEST_LABEL = 255  # bytes, as of a folder's name
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class Listed(NamedTuple):
    """A file of the source, or anything in an archive that is not a folder."""

    place: str  # relative to the source, as if its archives were unpacked; if it is refused, what to call it
    archive: str = ""  # relative to the source
    stamp: tuple[int, ...] = ()  # of the archive before it was listed
    offset: int = 0  # of a member, in bytes
    size: int = 0  # of a member, in bytes
    label: str | None = None  # the class that `<key>.cls` in the same folder gives a member
    refused: str = ""  # why it is rejected
    is_ignored: bool = False  # it is litter, or is an image neither by its name nor by its content

    @property
    def as_member(self) -> str:
        """What to call a member that takes no place in the source."""
        return name_member(self.archive, self.place[self.archive.rfind("/") + 1 :], self.offset)


def name_member(archive: str, name: str, offset: int) -> str:
    """Return what to call a member that takes no place in the source; no other has the same name."""
    return f"{archive}: {name} (byte {offset})"


def is_archive(path: str) -> bool:
    """Return whether a file's name says that it is a tar archive, compressed or not."""
    return path[-4:].lower() == ".tar" or bool(_COMPRESSED.search(path))


def list_archive(source: Path, path: str, within: Path | None) -> list[Listed]:
    """List the members of an archive, or the archive as refused if any part of it is damaged."""
    if _COMPRESSED.search(path):
        reason = "a tar archive must not be compressed: unpack it, or move it out of the source"
        return [Listed(path, refused=reason)]
    file, above = source / path, path[: path.rfind("/") + 1]
    members, labels = [], dict[str, str]()
    try:
        check_file(file, within)
        stamp = stamp_of(file.stat())
        with file.open("rb") as stream:
            for info in _headers(stream):
                key, extension = _split(_clean(info.name))
                if extension.lower() == "cls" and info.isreg() and not info.issparse():
                    text = _label(stream, info)
                    labels[key] = text if labels.get(key, text) == text else ""  # two that differ are none
                members.append(_member(stream, info)._replace(archive=path, stamp=stamp))
    except RejectedImage as error:
        return [Listed(path, refused=str(error))]
    except OSError as error:
        return [Listed(path, refused=f"the file cannot be read ({error.strerror})")]
    except Exception as error:
        # Broken headers raise much besides tarfile's own errors, whose texts alone hold nothing of the file.
        reason = str(error) if isinstance(error, tarfile.TarError) else type(error).__name__
        return [Listed(path, refused=f"not a whole, uncompressed tar archive ({reason})")]
    return [
        member._replace(
            place=name_member(path, member.place, member.offset) if member.refused else above + member.place,
            label=labels.get(_split(member.place)[0]),
        )
        for member in members
    ]


class _NoHeaders(dict):
    """Forgets global headers, which would be applied to each member, however many and large they are."""

    def __setitem__(self, key: object, value: object) -> None:
        pass


class _Header(tarfile.TarInfo):
    __slots__ = ()

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in _EXTENDED and header.size > _LONGEST_HEADER):
            raise tarfile.HeaderError("a header has an impossible size")
        return header


def _headers(stream: BinaryIO) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(
        fileobj=stream, mode="r:", tarinfo=_Header, encoding="utf-8", errors="surrogateescape", pax_headers=_NoHeaders()
    ) as archive:
        while info := archive.next():
            archive.members.clear()  # type: ignore[attr-defined]  # there may be millions
            if info.size < 0 or archive.offset <= info.offset:
                raise tarfile.ReadError("a header has an impossible size")
            if not info.isdir():
                yield info
        # It takes a damaged header for the end.
        _check_end(stream, archive.offset)


def _check_end(stream: BinaryIO, position: int) -> None:
    stream.seek(position)
    rest = stream.read(_LONGEST_END + 1)
    if len(rest) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("its end is missing")
    if len(rest) > _LONGEST_END or rest.count(0) != len(rest):
        raise tarfile.ReadError("a header is damaged, or more follows after its end")


def _member(stream: BinaryIO, info: tarfile.TarInfo) -> Listed:
    """Return a member, its place relative to its archive."""
    name = _clean(info.name)
    if not name:
        reason = "the name is no relative path, or has `..` in it"
        return Listed(info.name, offset=info.offset, refused=reason)
    if is_litter(name):
        return Listed(name, offset=info.offset, is_ignored=True)
    if not info.isreg() or info.issparse():
        reason = "not a regular file; links, devices and sparse files in archives are not read"
        return Listed(name, offset=info.offset, refused=reason)
    suffix = suffix_of(name)
    is_image = may_be_image(suffix, b"") or may_be_image(suffix, _head(stream, info, HEAD))
    return Listed(name, offset=info.offset_data, size=info.size, is_ignored=not is_image)


def _clean(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "" if name.startswith("/") or ".." in parts or "\0" in name else "/".join(parts)


def _head(stream: BinaryIO, info: tarfile.TarInfo, size: int) -> bytes:
    return os.pread(stream.fileno(), min(info.size, size), info.offset_data)


def _label(stream: BinaryIO, info: tarfile.TarInfo) -> str:
    """Read a `.cls` file; an empty text stands for one that cannot be a class."""
    text = _head(stream, info, _LONGEST_LABEL + 1).decode(errors="replace").strip()
    is_class = info.size <= _LONGEST_LABEL and text.isprintable() and not is_litter(text) and "/" not in text
    return text if is_class and "\ufffd" not in text else ""


def _split(name: str) -> tuple[str, str]:
    """Return what a member has in common with its `.cls` file, and its extension."""
    folder, slash, base = name.rpartition("/")
    key, _, extension = base.partition(".")
    return f"{folder}{slash}{key}", extension
