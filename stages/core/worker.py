"""What a worker of a Dask cluster does for a client: it checks that its results are the client's, and makes them."""

import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import cloudpickle
from distributed import Worker, WorkerPlugin, get_worker
from threadpoolctl import threadpool_limits

from stages.core.errors import PipelineError, line_of
from stages.core.machine import code_digest, environment

_CODE = code_digest()  # of what this process runs, whatever lies there later
Work = Callable[[Any, Callable[[], None]], Any]  # its second argument ends a task that is not needed any more


class Job(WorkerPlugin):
    """A function, which the scheduler hands to every worker once, also to those that come later.

    A worker whose code, versions or processor may give other results refuses, and so does one that does not see the
    file that the client made.
    """

    def __init__(self, function: Work, file: Path):
        self.name, self._file, self._folder = file.name, file.absolute(), Path.cwd()
        self._function, self._needed = cloudpickle.dumps(function), _conditions(self._file, threads=1)
        self._refusal, self._cancelled, self._is_over = "a worker must be checked", set[object](), False

    def setup(self, worker: Worker) -> None:
        """Check the worker; what is raised here would reach the client only from workers that it has already."""
        here, needed = _conditions(self._file, worker.state.nthreads), self._needed
        differing = [name for name in needed | here if here.get(name) != needed.get(name)]
        self._refusal = "".join(
            f"the worker at {worker.address} must have one thread, and the code, versions, processor and files of this "
            f"process; received: another {name}: {here.get(name)}, not {needed.get(name)}; start it anew with the same"
            for name in differing[:1]
        )
        threadpool_limits(1, "blas")  # as `stages/__init__.py` does where nothing has imported NumPy before

    def transition(self, key: object, start: str, finish: str, **kwargs: Any) -> None:
        """Note which tasks the client does not need any more, as it is gone or another one failed."""
        if (start, finish) == ("executing", "released"):
            self._cancelled.add(key)

    def teardown(self, worker: Worker) -> None:
        """End the task that is under way."""
        self._is_over = True

    def apply(self, items: bytes) -> Iterator[Any]:
        """Apply the function to each item."""
        if self._refusal:
            raise PipelineError(self._refusal)
        os.chdir(self._folder)  # another client's task may have left it
        key = get_worker().get_current_task()

        def end_if_over() -> None:
            if self._is_over or key in self._cancelled:
                raise CancelledError

        for item in pickle.loads(items):
            end_if_over()
            yield self._work(item, end_if_over)

    @cached_property
    def _work(self) -> Work:
        return pickle.loads(self._function)


def apply_job(name: str, items: bytes) -> tuple[list, Exception | None, str]:
    """Apply a job's function to items, on a worker; an error is returned: Dask would log it, and it may name images."""
    job: Any = get_worker().plugins[name]
    results: list = []
    try:
        results.extend(job.apply(items))
    except Exception as error:
        with suppress(Exception):
            return results, pickle.loads(pickle.dumps(error)), traceback.format_exc()
        return results, RuntimeError(line_of(error)), traceback.format_exc()
    return results, None, ""


def _conditions(file: Path, threads: int) -> dict[str, str]:
    """Return what a worker must have like the client; one thread, as the working folder is that of the process."""
    code = f"{_CODE[:12]}, now {code_digest()[:12]}"
    return {"stages/": code, "--nthreads": str(threads), f"sight of {file}": str(file.exists())} | environment()
