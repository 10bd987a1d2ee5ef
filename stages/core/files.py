"""Makes files and folders that appear whole, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Make a folder that appears whole, or not at all.

    Parameters
    ----------
    folder : pathlib.Path
        The folder to make; what was there is replaced.

    Yields
    ------
    pathlib.Path
        An empty folder beside it to write into; renamed to `folder` at the end, removed after an error.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for stale in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(stale)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield partial
        partial.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def replace_file(file: Path) -> Iterator[Path]:
    """Make a file that appears whole, or not at all.

    Parameters
    ----------
    file : pathlib.Path
        The file to write; its folder is made.

    Yields
    ------
    pathlib.Path
        A name beside it, of the same suffix, to write to; renamed to `file` at the end, removed after an error.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    for stale in file.parent.glob(f".{file.name}.*"):
        stale.unlink()
    partial = file.with_name(f".{file.name}.{os.getpid()}{file.suffix}")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_file(file: Path, content: bytes) -> None:
    """Write a file that appears whole, or not at all.

    Parameters
    ----------
    file : pathlib.Path
        The file to write; its folder is made.
    content : bytes
        Its content.
    """
    with replace_file(file) as partial:
        partial.write_bytes(content)
