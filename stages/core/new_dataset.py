"""Makes a data set of images, and takes over what the last run made wherever nothing that it depends on has changed.

DVC deletes a stage's outputs before it runs the stage. So hard links to them, and a key of what each image was made of,
stay in `data/.partial/last-run/`, outside git and DVC. Nothing there is used unless its digest fits. If it is missing,
or the file system has no hard links, everything is made anew, with the same result.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.core.datasets import part_files, read_from_part, write_part
from stages.core.files import UNFINISHED, make_parent, new_folder
from stages.core.parallel import count_image
from stages.core.store import digest_of, last_run_folder, read_state, write_state

_IMAGES, _KEYS = "images", "keys"
Images = Iterable[tuple[str, bytes]]  # path relative to the data set, and content


@dataclass(frozen=True)
class NewDataset:
    """A data set that is being made."""

    folder: Path  # where its images are written
    kept: Path  # where links to them and keys are written
    last: Path  # what the last run left there
    unfinished: Path  # where parts are written before they are moved into `folder`
    is_sharded: bool

    def make_part(
        self,
        name: str,
        read: Callable[[], Images],
        key_of: Callable[[str, bytes], str],
        make: Callable[[str, bytes], bytes],
    ) -> int:
        """Write a part, of the last run's images where they have the same keys; return how many images were made.

        `read` gives paths and what images are made from, sorted, and is called once or twice; `key_of` gives a key of
        all that an image depends on, and `make` an encoded image, both from what `read` gives.
        """
        last, keys, made = self._last_part(name), dict[str, str](), 0
        if last and {path: key_of(path, content) for path, content in read()} == last.keys and self._reuse(name, last):
            return 0

        def images() -> Iterator[tuple[str, bytes]]:
            nonlocal made
            for path, content in read():
                keys[path] = key_of(path, content)
                if last and last.keys.get(path) == keys[path] and last.is_whole:
                    yield path, read_from_part(last.folder, name, path, as_shard=self.is_sharded)
                else:
                    made += 1
                    yield path, make(path, content)
                count_image()

        # Moved into place whole: a worker of a cluster may die meanwhile, or two may do the same.
        with TemporaryDirectory(dir=self.unfinished, ignore_cleanup_errors=True) as unfinished:
            digest = write_part(Path(unfinished), name, images(), as_shard=self.is_sharded)
            for file in part_files(name, keys, as_shard=self.is_sharded):
                make_parent(self.folder, file)
                Path(unfinished, file).replace(self.folder / file)
        self._keep(name, keys, digest)
        return made

    def _last_part(self, name: str) -> "_LastPart | None":
        is_sharded, digest, keys = read_state(self.last / _KEYS / f"{name}.json") or (None, "", {})
        if is_sharded != self.is_sharded:
            return None
        return _LastPart(self.last / _IMAGES, part_files(name, keys, as_shard=self.is_sharded), digest, keys)

    def _reuse(self, name: str, last: "_LastPart") -> bool:
        """Link a part of the last run; False where that is not possible."""
        if not last.is_whole:
            return False
        try:
            for file in last.files:
                _link(last.folder / file, self.folder, file)
        except OSError:
            # Nothing may be written through a link.
            for file in last.files:
                (self.folder / file).unlink(missing_ok=True)
            return False
        self._keep(name, last.keys, last.digest)
        for _ in last.keys:
            count_image()
        return True

    def _keep(self, name: str, keys: dict[str, str], digest: str) -> None:
        with suppress(OSError):
            for file in part_files(name, keys, as_shard=self.is_sharded):
                _link(self.folder / file, self.kept, f"{_IMAGES}/{file}")
            make_parent(self.kept, f"{_KEYS}/{name}.json")
            write_state(self.kept / _KEYS / f"{name}.json", [self.is_sharded, digest, keys])


@contextmanager
def new_dataset(folder: Path, *, is_sharded: bool) -> Iterator[NewDataset]:
    """Make a data set that appears whole, or not at all, in place of what was there."""
    kept, place = last_run_folder(folder.name), f".{folder.name}."
    with (
        new_folder(folder) as images,
        new_folder(kept) as links,
        # On the same disk, and not in what is published if a worker left something.
        TemporaryDirectory(UNFINISHED, place, folder.parent, ignore_cleanup_errors=True) as unfinished,
    ):
        yield NewDataset(images, links, kept, Path(unfinished), is_sharded)


@dataclass(frozen=True)
class _LastPart:
    """A part as the last run left it."""

    folder: Path
    files: list[str]
    digest: str
    keys: dict[str, str]

    @cached_property
    def is_whole(self) -> bool:
        try:
            return digest_of(self.folder / file for file in self.files) == self.digest
        except OSError:
            return False


def _link(old: Path, folder: Path, file: str) -> None:
    make_parent(folder, file)
    (folder / file).unlink(missing_ok=True)  # of a worker that died
    os.link(old, folder / file)
