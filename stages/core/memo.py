"""Keeps arrays that several stages would make from the same inputs, in a file under a key of all that made them.

The files lie in `data/.partial/`, neither git's nor DVC's. Without them the arrays are made anew, the same ones.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from stages.core.errors import error_context
from stages.core.files import replace_file
from stages.core.machine import code_digest, environment
from stages.core.paths import PARTIAL


def remembered(
    name: str, inputs: Iterable[object], code: Iterable[str], make: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return what `make` returns, or what an earlier call with the same inputs, code and machine left in the file."""
    file = PARTIAL / f"{name}_{_key(inputs, code)}.npz"
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
            return dict(saved)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        print(f"`{file}` is not whole; what it held is made anew")
    arrays = make()
    for other in PARTIAL.glob(f"*{name}_*"):  # what a killed process left too
        other.unlink()
    kept: dict[str, Any] = arrays  # NumPy's types allow nothing else
    with error_context(file), replace_file(file) as partial, partial.open("wb") as target:
        np.savez(target, **kept)
    return arrays


def _key(inputs: Iterable[object], code: Iterable[str]) -> str:
    digest = hashlib.sha256(json.dumps([environment(), code_digest(*code)]).encode())
    for one in inputs:
        if isinstance(one, np.ndarray):
            digest.update(f"{one.dtype.str} {one.shape}".encode())
            digest.update(np.ascontiguousarray(one))
        else:
            digest.update(repr(one).encode())
    return digest.hexdigest()[:16]
