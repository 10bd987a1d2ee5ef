"""Folders of a command: its outputs, replaced only if nobody has changed them, and its working folder."""

import contextlib
import fcntl
import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from stages.core.errors import PipelineError, printable
from stages.core.parallel import CLUSTER_VARIABLE
from stages.core.store import private_folder, read_state, write_state

_OF_A_FILE_BROWSER = re.compile(r"(^|/)(\.DS_Store|Thumbs\.db|desktop\.ini|\.directory|\._[^/]*)$")
_COARSEST = 2  # seconds, to which file systems of memory cards round times


def check_owned(folder: Path, records: Path) -> None:
    """Refuse a folder that holds anything except what an earlier call wrote, unchanged, and a file browser's files."""
    if folder.is_mount() or (folder.exists() and not folder.is_dir()):
        raise PipelineError(f"OUT must be a folder below a mount point; received: {printable(folder)}")
    known: dict[tuple[str, int], list[float]] = {}
    for name, size, written in read_state(_record(folder, records)) or []:
        known.setdefault((name, size), []).append(written)
    for name, size, written in sorted(_files(folder)):
        is_known = any(abs(written - before) <= _COARSEST for before in known.get((name, size), []))
        if not is_known and not _OF_A_FILE_BROWSER.search(name):
            raise PipelineError(
                f"`{printable(folder)}` must be new, empty, or as an earlier call wrote it; received: {printable(name)}"
            )


def record_files(folder: Path, new: Path, records: Path) -> None:
    """Record what a folder holds and what will replace it, before that happens."""
    write_state(_record(folder, records), sorted(_files(folder) | _files(new)))


def _files(folder: Path) -> set[tuple[str, int, float]]:
    """Return the path of each file in a folder, its size in bytes, and when it was written, in seconds."""
    files = ((file, file.lstat()) for file in folder.rglob("*") if file.is_symlink() or not file.is_dir())
    return {(str(file.relative_to(folder)), status.st_size, status.st_mtime) for file, status in files}


def _record(folder: Path, records: Path) -> Path:
    return records / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}.json"


@contextlib.contextmanager
def work_in(folder: Path, *, is_kept: bool) -> Iterator[None]:
    """Run stages in a folder, for its owner alone, one call at a time; what they print of files there is dropped.

    Unless it is kept, it is removed at the end, after an error too.
    """
    home, before = folder.parent, Path.cwd()
    with (private_folder(home) / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PipelineError("another call of this command is at work: wait for it") from None
        folder.mkdir(exist_ok=True)
        os.chdir(folder)
        os.environ.pop(CLUSTER_VARIABLE, None)  # its workers do not see the folder
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        finally:
            os.chdir(before)
            if not is_kept:
                shutil.rmtree(folder)
