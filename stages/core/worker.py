"""Does the tasks of a client on a worker of a Dask cluster, if the worker's results are the client's.

A worker whose code, versions or processor may give another result refuses, and so does one that does not share files.
"""

import hashlib
import json
import os
import pickle
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from distributed import get_worker
from threadpoolctl import threadpool_limits

from stages.core.errors import PipelineError, line_of
from stages.core.machine import code_digest, environment
from stages.core.paths import PARTIAL

ABOUT, FUNCTION = "about.json", "function"  # files of a client
POLL = 2  # seconds between two looks at whether the work is over
_CODE = code_digest()  # of what this process runs, whatever lies there later
Work = Callable[[Any, Callable[[], None]], Any]


def about() -> dict[str, str]:
    """Return what results depend on besides a client's files."""
    return {"stages/": _CODE} | environment()


class Task(NamedTuple):
    """What `run_task` is called with; unpickling it calls it, on a worker.

    A worker ends when it gets a message that it cannot read, and so one without our code would.
    """

    folder: str
    digest: str
    items: bytes

    def __reduce__(self) -> tuple:
        return run_task, tuple(self)


def run_task(folder: str, digest: str, items: bytes) -> tuple[list, Exception | None, str]:
    """Do a task on a worker."""
    results: list = []
    looked = time.monotonic()

    def end_if_over() -> None:
        nonlocal looked
        if time.monotonic() - looked > POLL:
            looked = time.monotonic()
            if not Path(folder).exists():
                raise CancelledError

    try:
        _enter(folder)
        function = _load(folder, digest)
        for item in pickle.loads(items):
            end_if_over()
            results.append(function(item, end_if_over))
    except Exception as error:
        return results, _portable(error), traceback.format_exc()
    return results, None, ""


def _enter(folder: str) -> None:
    """Go to the client's working folder, to which its paths are relative."""
    worker = get_worker()
    if worker.state.nthreads != 1:  # the working folder is that of the process
        raise PipelineError(
            f"the worker at {worker.address} must have one thread; received: {worker.state.nthreads}; "
            "start it with --nthreads 1"
        )
    try:
        os.chdir(Path(folder).parents[len(PARTIAL.parts)])
        Path(folder).stat()
    except OSError:
        raise PipelineError(
            f"the worker at {worker.address} must see the same files as this process, by the same paths; "
            f"received: no {folder}"
        ) from None


@lru_cache(1)
def _load(folder: str, digest: str) -> Work:
    """Load the function of a new client, or of the same client's next work."""
    needed, here = json.loads(Path(folder, ABOUT).read_text(encoding="utf-8")), about()
    if code_digest() != _CODE:
        here["stages/"] = "changed since the worker was started"
    differing = next((name for name, value in needed.items() if here.get(name) != value), None)
    if differing is not None:
        shown_values = "" if differing == "stages/" else f" {here.get(differing)}, not {needed[differing]}"
        raise PipelineError(
            f"the worker at {get_worker().address} must have the code, versions and processor of this process; "
            f"received: another {differing}{shown_values}; start it anew with the same"
        )
    content = Path(folder, FUNCTION).read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise PipelineError(f"`{folder}` must not change")
    _forget_files()
    threadpool_limits(1, "blas")  # as `stages/__init__.py` does where nothing has imported NumPy before
    return pickle.loads(content)


def _forget_files() -> None:
    """Forget what was read from the files of other clients, which may have the same names."""
    for name, module in list(sys.modules.items()):
        if name.startswith("stages."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def _portable(error: Exception) -> Exception:
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(line_of(error))
