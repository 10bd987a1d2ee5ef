"""Lists, reads and writes data sets of images, as folders of files or as tar shards; no stage knows which.

::

    folder/                                         folder/
        train/<class>/[<folder>/...]<name>.png          train/shard-000000.tar, shard-000000.idx, ...
        test/<class>/[<folder>/...]<name>.png           test/shard-000000.tar, shard-000000.idx, ...

With `data.classes: none`, the images, or the shards, lie in the folder itself.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stages.core.errors import PipelineError, error_context
from stages.core.images import SPLITS, decode_image, list_images
from stages.core.shards import INDEX_SUFFIX, Member, read_index, read_member, write_shard

FILES_A_PART = 64  # of a folder of files; of large photos, a worker has a minute of work
_FOLDERS = ("", *(f"{split}/" for split in SPLITS))
_INDICES = 1024  # of shards, that are kept in memory


@dataclass(frozen=True)
class Part:
    """Images of a data set that are worked on together, and lie in one shard, if it has shards."""

    name: str  # as train/shard-000042
    paths: tuple[str, ...]  # relative to the data set, not to its split; sorted

    def __len__(self) -> int:
        return len(self.paths)


def divide(paths: Iterable[str], images: int) -> list[Part]:
    """Divide images, by path in the data set, into parts of `images` on average; adding an image changes few parts.

    The hash of an image's path decides its part, by linear hashing: when another part is needed, one part is split, and
    the others stay as they are. Order and history make no difference. Empty parts are listed too, so that the number of
    parts is enough to find an image.

    References
    ----------
    Litwin: Linear hashing: a new tool for file and table addressing. VLDB 1980.

    Examples
    --------
    >>> [len(part) for part in divide([f"{number}.png" for number in range(100)], 30)]
    [24, 28, 27, 21]
    """
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(_folder_of(path), []).append(path)
    parts = []
    for folder, members in sorted(folders.items()):
        count = -(-len(members) // images)
        of_part: list[list[str]] = [[] for _ in range(count)]
        for path in sorted(members):
            of_part[_number_in(path[len(folder) :], count)].append(path)
        parts += [Part(_name_of(folder, number), tuple(some)) for number, some in enumerate(of_part)]
    return parts


class Dataset:
    """A data set that the pipeline wrote."""

    def __init__(self, folder: Path):
        self.folder = folder
        # A folder of photos may have such a name.
        self._counts = {
            where: sum(file.is_file() for file in (folder / where).glob("shard-*.tar")) for where in _FOLDERS
        }
        self.is_sharded = any(self._counts.values())

    def paths(self, split: str = "") -> list[str]:
        """List the images, sorted, by path in the data set or the split; there must be some."""
        if not self.is_sharded:
            return list_images(self.folder / split)
        start = len(f"{split}/") if split else 0
        paths = sorted(path[start:] for part in self.parts(split) for path in part.paths)
        if not paths:
            raise PipelineError(f"`{self.folder / split}` must hold images; received: empty shards")
        return paths

    def parts(self, split: str = "") -> list[Part]:
        """List the parts of the data set, or of one of its splits, by name."""
        start = f"{split}/" if split else ""
        if not self.is_sharded:
            return divide((start + path for path in self.paths(split)), FILES_A_PART)
        names = [_name_of(where, number) for where, count in self._counts.items() for number in range(count)]
        return [Part(name, tuple(_index(self.folder, name))) for name in sorted(names) if name.startswith(start)]

    def read_part(self, part: Part) -> Iterator[tuple[str, bytes]]:
        """Read the encoded images of a part one by one, each with its path."""
        if not self.is_sharded:
            for path in part.paths:
                yield path, self.read(path)
            return
        index, file = _index(self.folder, part.name), self.folder / f"{part.name}.tar"
        with error_context(file), file.open("rb", buffering=0) as stream:
            for path in part.paths:
                yield path, read_member(stream, index[path])

    def read(self, path: str) -> bytes:
        """Read one encoded image, by path in the data set."""
        where = _folder_of(path)
        name = _name_of(where, _number_in(path[len(where) :], self._counts[where])) if self.is_sharded else ""
        return read_from_part(self.folder, name, path, as_shard=self.is_sharded)

    def image(self, path: str) -> np.ndarray:
        """Read one image, by path in the data set: (height, width, 3) uint8, RGB."""
        return decode_image(self.read(path), self.folder / path)


def _index(folder: Path, name: str) -> dict[str, Member]:
    file = folder / f"{name}.tar"
    return _read_index(file.absolute(), _folder_of(name), file.stat().st_mtime_ns)


@lru_cache(_INDICES)
def _read_index(file: Path, folder: str, written: int) -> dict[str, Member]:
    return {folder + member.name: member for member in read_index(file)}


def write_part(folder: Path, name: str, images: Iterable[tuple[str, bytes]], *, as_shard: bool) -> str:
    """Write a part of images, by path in the data set, sorted; return the SHA-256 of what `part_files` lists."""
    if as_shard:
        start = len(_folder_of(name))
        file = folder / f"{name}.tar"
        file.parent.mkdir(parents=True, exist_ok=True)
        with error_context(file):
            return write_shard(file, ((path[start:], content) for path, content in images))
    digest = hashlib.sha256()
    for path, content in images:
        file = folder / path
        with error_context(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        digest.update(content)
    return digest.hexdigest()


def read_from_part(folder: Path, name: str, path: str, *, as_shard: bool) -> bytes:
    """Read one encoded image of a part that is known, by path in the data set."""
    with error_context(f"{folder}/{path}"):
        if not as_shard:
            return Path(folder, path).read_bytes()
        with (folder / f"{name}.tar").open("rb", buffering=0) as stream:
            return read_member(stream, _index(folder, name)[path])


def part_files(name: str, paths: Iterable[str], *, as_shard: bool) -> list[str]:
    """List the files of a part, relative to the data set."""
    return [f"{name}.tar", f"{name}{INDEX_SUFFIX}"] if as_shard else list(paths)


def _folder_of(path: str) -> str:
    return next((where for where in _FOLDERS if where and path.startswith(where)), "")


def _name_of(folder: str, number: int) -> str:
    return f"{folder}shard-{number:06d}"


def _number_in(path: str, count: int) -> int:
    place = int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big")
    split = 1 << (count - 1).bit_length()  # the least power of two that is not below
    number = place % split
    return number if number < count else number - split // 2
