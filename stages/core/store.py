"""What a run leaves for the next in `data/.partial/`, outside git and DVC, so that only what changed is made anew.

Each file has a key of everything that decides it, and is used only if its digest fits. A missing one is made anew,
with the same result.
"""

import hashlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from stages.core.errors import error_context
from stages.core.files import replace_file
from stages.core.machine import code_digest, environment
from stages.core.paths import LAST_RUN, PARTIAL

_BLOCK = 1 << 20  # bytes
NOT_WHOLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)  # of a file of arrays


def key_of(code: Iterable[str], *inputs: object, accelerators: Iterable[str] = ()) -> str:
    """Return a key of what is made of inputs, by code in `stages/`, on this machine."""
    digest = hashlib.sha256(json.dumps([environment(list(accelerators)), code_digest(*code)]).encode())
    for value in inputs:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype.str} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value))
        else:
            digest.update(f"{value!r};".encode())
    return digest.hexdigest()


def digest_of(files: Iterable[Path]) -> str:
    """Return the SHA-256 of files, one after the other, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def write_state(file: Path, state: Any) -> None:
    """Write what the next run may use again, after a digest of it."""
    content = json.dumps(state).encode()
    file.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def read_state(file: Path) -> Any:
    """Read what `write_state` wrote; None where there is nothing, or it is not whole."""
    try:
        digest, content = file.read_bytes().split(b"\n", 1)
    except (OSError, ValueError):
        return None
    return json.loads(content) if hashlib.sha256(content).hexdigest().encode() == digest else None


def write_arrays(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a file of arrays that appears whole, or not at all."""
    named: dict[str, Any] = arrays  # NumPy's types allow nothing else
    with replace_file(file) as partial, partial.open("wb") as stream:
        np.savez(stream, **named)


def read_arrays(file: Path, *, needed: Iterable[str] = ()) -> dict[str, np.ndarray]:
    """Read what `write_arrays` wrote; nothing where there is nothing, or it is not whole."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
            arrays = dict(saved)
        if missing := set(needed) - arrays.keys():
            raise ValueError(f"no {min(missing)}")
        return arrays
    except FileNotFoundError:
        pass
    except NOT_WHOLE:
        print(f"`{file}` is not whole; what it held is made anew", flush=True)
    return {}


def private_folder(folder: Path) -> Path:
    """Make a folder for its owner alone, as its files tell which file became which image."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def last_run_folder(dataset: str, what: str = "") -> Path:
    """Return where something of a data set is kept."""
    return private_folder(LAST_RUN) / f"{dataset} {what}".strip()


def forget_all_but(datasets: Iterable[str]) -> None:
    """Remove what is kept of data sets that are not there any more."""
    for folder in LAST_RUN.glob("[!.]*"):
        if folder.name.split()[0] not in datasets:
            shutil.rmtree(folder)


def unchanged_images(count: int) -> str:
    """Say how many images of the last run were used again, for a stage's last line."""
    return f", {count} of them unchanged since the last run" if count else ""


def remembered(
    name: str, inputs: Iterable[object], code: Iterable[str], make: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return the arrays that `make` returns, or those that an earlier call with the same key left in a file."""
    file = PARTIAL / f"{name}_{key_of(code, *inputs)[:16]}.npz"
    if arrays := read_arrays(file):
        return arrays
    arrays = make()
    for older in PARTIAL.glob(f"*{name}_*"):  # what a killed process left too
        older.unlink()
    with error_context(file):
        write_arrays(file, arrays)
    return arrays
