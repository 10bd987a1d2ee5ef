"""Makes files and folders that appear whole, or not at all."""

import csv
import errno
import glob
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".partial"  # ends the names of folders that are being made


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Make a folder that appears whole, or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The suffix keeps apart what is ours from what else may lie beside a folder outside `data/`.
    for stale in folder.parent.glob(f".{glob.escape(folder.name)}.*{UNFINISHED}"):
        shutil.rmtree(stale, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=UNFINISHED, dir=folder.parent))
    try:
        yield partial
        partial.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        with suppress(OSError):  # a worker that has not ended yet may write into it
            remove_folder(partial)
        shutil.rmtree(partial, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder, if there is one; it is never there in part, and nothing is written into it meanwhile."""
    if folder.exists():
        removed = folder.with_name(f".{folder.name.removeprefix('.')}.removed{UNFINISHED}")
        shutil.rmtree(removed, ignore_errors=True)
        folder.rename(removed)
        shutil.rmtree(removed)


def make_parent(folder: Path, file: str) -> None:
    """Make the folders of a file below a folder, but not that folder: it may have been removed as work stopped."""
    parent = folder / Path(file).parent
    if not parent.is_dir():
        if parent == folder:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        make_parent(folder, str(Path(file).parent))
        parent.mkdir(exist_ok=True)


@contextmanager
def replace_file(file: Path) -> Iterator[Path]:
    """Make a file that appears whole, or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for stale in file.parent.glob(f".{glob.escape(file.name)}.[0-9]*"):
        stale.unlink()
    partial = file.with_name(f".{file.name}.{os.getpid()}{file.suffix}")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_file(file: Path, content: bytes) -> None:
    """Write a file that appears whole, or not at all."""
    with replace_file(file) as partial:
        partial.write_bytes(content)


def write_table(file: Path, rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file that appears whole, or not at all; the first row is the header."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    write_file(file, table.getvalue().encode())


def read_table(file: Path) -> Iterator[dict[str, str]]:
    """Read the rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)
