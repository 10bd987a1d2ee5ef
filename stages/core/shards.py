"""Reads and writes tar shards in WebDataset's convention, each beside an index that makes reading random access.

The index is the one that NVIDIA DALI's `wds2idx` makes, which knows no blanks in names; ours may have them.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from stages.core.errors import PipelineError

INDEX_SUFFIX = ".idx"
_VERSION = "v1.2"


class Member(NamedTuple):
    """Where the content of a file lies in a tar archive."""

    name: str
    offset: int  # in bytes
    size: int  # in bytes


def write_shard(file: Path, members: Iterable[tuple[str, bytes]]) -> str:
    """Write a tar archive of files and its index; the same members give the same bytes.

    References
    ----------
    Aizman, Maltby, Breuel: High performance I/O for large scale deep learning. IEEE Big Data 2019 (WebDataset).
    """
    lines, end, digest = [], 0, hashlib.sha256()
    with file.open("wb") as stream:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), 0o644, 0
            header, extension = info.tobuf(tarfile.PAX_FORMAT), name.rpartition("/")[2].partition(".")[2]
            lines.append(f"{extension} {end + len(header)} {len(content)} {name}\n")
            for block in (header, content, bytes(-len(content) % tarfile.BLOCKSIZE)):
                digest.update(block)
                end += stream.write(block)
        stream.write(bytes(2 * tarfile.BLOCKSIZE))
    index = "".join([f"{_VERSION} {len(lines)}\n", *lines]).encode()
    digest.update(bytes(2 * tarfile.BLOCKSIZE) + index)
    file.with_suffix(INDEX_SUFFIX).write_bytes(index)
    return digest.hexdigest()


def read_index(file: Path) -> list[Member]:
    """Read the index of an archive that `write_shard` wrote."""
    index = file.with_suffix(INDEX_SUFFIX)
    try:
        first, *lines = index.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        version, count = first.split()
        members = [line.split(" ", 3) for line in lines]
        if version == _VERSION and int(count) == len(members):
            return [Member(name, int(offset), int(size)) for _, offset, size, name in members]
    except (OSError, ValueError):
        pass
    raise PipelineError(f"`{index}` must be the index of `{file.name}`; run the stage that wrote it again, with -f")


def read_member(archive: FileIO, member: Member) -> bytes:
    """Read one file of an archive."""
    content = os.pread(archive.fileno(), member.size, member.offset)
    if len(content) != member.size:
        raise PipelineError(f"`{archive.name}` must hold `{member.name}`; received: a shorter file")
    return content
