"""Shares work out to the workers of a Dask cluster, which read and write the same files as this process.

Imported only where the environment names a cluster, and by its workers.
"""

import logging
import os
import pickle
import re
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import cloudpickle
import dask
from distributed import Client, Future, KilledWorker, Security, TimeoutError, Worker, WorkerPlugin, get_worker
from distributed.client import ClosedClientError, WorkerStartTimeoutError
from threadpoolctl import threadpool_limits

from stages.core.errors import PipelineError, line_of, printable
from stages.core.machine import code_digest, environment
from stages.core.paths import PARTIAL

_ANSWER = 5  # seconds in which the scheduler must answer
_LOOK = 2  # seconds between two looks at whether the scheduler and workers are there
_PATIENCE = 30  # seconds without any worker, or with one that does not answer
_TASKS_A_WORKER = 4  # that are under way
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:\d+")
_CODE = code_digest()  # of what this process runs, whatever lies there later
Work = Callable[[Any, Callable[[], None]], Any]  # its second argument ends a task that is not needed any more


def map_on_cluster(function: Work, items: Iterable, *, address: str, total: int, most: int) -> Iterator[Any]:
    """Apply a function to every item on the workers of a cluster, and yield the results in the order of the items.

    Only a few tasks a worker are under way at a time, so memory does not grow with the number of items. The first error
    ends the work and is raised. The tasks of a worker that dies go to another.
    """
    pending: deque[Future] = deque()
    with _connect(address) as client, _register(client, address, function) as job:
        workers = _count_workers(client)
        source, size = iter(items), max(1, min(most, total // (_TASKS_A_WORKER * workers)))
        while chunk := list(islice(source, size)):
            with _in_one_line(address):
                pending.append(client.submit(apply_job, job.name, cloudpickle.dumps(chunk), pure=False))
            if len(pending) >= _TASKS_A_WORKER * workers:
                yield from _results(client, address, pending.popleft())
                workers = max(workers, _count_workers(client))
        while pending:
            yield from _results(client, address, pending.popleft())


@contextmanager
def _connect(address: str) -> Iterator[Client]:
    if not _ADDRESS.fullmatch(address):
        raise PipelineError(
            "`PIPELINE_CLUSTER` must be the address of a Dask scheduler, such as tcp://host:8786; "
            f"received: {printable(repr(address))}"
        )
    encrypts, known = address.startswith("tls:"), Security().get_connection_args("client")
    if (encrypts and not known.get("ssl_context")) or (known.get("require_encryption") and not encrypts):
        raise PipelineError(
            "`PIPELINE_CLUSTER` must be tls:// with certificates in `distributed.comm.tls` of Dask's configuration, or "
            f"tcp:// where `distributed.comm.require-encryption` is not set; received: {address}"
        )
    logging.disable()  # what Dask has to say is said in one line
    try:
        with dask.config.set({"distributed.comm.timeouts.connect": _ANSWER}), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions that differ; those that matter are checked
            try:
                client = Client(address, timeout=_ANSWER, set_as_default=False, direct_to_workers=True)
            except Exception as error:
                raise PipelineError(
                    f"`PIPELINE_CLUSTER` must name a Dask scheduler that runs; received: {address} ({line_of(error)})"
                ) from None
            try:
                yield client
            finally:
                client.close(timeout=_ANSWER)
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _register(client: Client, address: str, function: Work) -> Iterator["Job"]:
    PARTIAL.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(prefix=".cluster.", dir=PARTIAL) as file:
        job, end = Job(function, Path(file.name)), time.monotonic() + _PATIENCE
        try:
            with _in_one_line(address):
                client.run_on_scheduler(code_digest)  # only shows that it has the code, as tasks pass through it
                client.wait_for_workers(1, timeout=_PATIENCE)
                while True:
                    try:
                        client.register_plugin(job)
                        break
                    except OSError:  # of a worker that the scheduler has lost, and does not know yet
                        if client.status != "running" or time.monotonic() > end:
                            raise
            yield job
        finally:
            with suppress(Exception):  # the scheduler may be gone
                client.unregister_worker_plugin(job.name)


def _count_workers(client: Client) -> int:
    return max(1, client.scheduler_info(n_workers=0).get("n_workers", 0))


def _results(client: Client, address: str, future: Future) -> Iterator[Any]:
    with _in_one_line(address):
        while not future.done():
            with suppress(TimeoutError):
                future.exception(timeout=_LOOK)
                break
            if client.status != "running":
                raise CancelledError
            client.wait_for_workers(1, timeout=_PATIENCE)
        results, error, trace = future.result()
    yield from results
    if error is not None:
        raise error from RuntimeError(trace)


@contextmanager
def _in_one_line(address: str) -> Iterator[None]:
    """Say in one line what Dask raises."""
    try:
        yield
    except PipelineError:
        raise
    except KilledWorker as killed:
        raise PipelineError(
            f"a worker must live until its task is done; {killed.allowed_failures + 1} died of the same one, the last "
            f"at {killed.last_worker.address}; out of memory?"
        ) from None
    except WorkerStartTimeoutError:
        raise PipelineError(
            f"`PIPELINE_CLUSTER` must have workers; received: {address} without any for {_PATIENCE} seconds"
        ) from None
    except (CancelledError, OSError, ClosedClientError):
        raise PipelineError(
            f"`PIPELINE_CLUSTER` must name a Dask scheduler that goes on running; lost: {address}"
        ) from None
    except Exception as error:
        raise PipelineError(
            "`PIPELINE_CLUSTER` must have a scheduler and workers with the same code as this process; "
            f"received: {line_of(error)}"
        ) from None


class Job(WorkerPlugin):
    """A function, which the scheduler hands to every worker once, also to those that come later.

    A worker whose code, versions or processor may give other results refuses, and so does one that does not see the
    file that the client made.
    """

    def __init__(self, function: Work, file: Path):
        self.name, self._file, self._folder = file.name, file.absolute(), Path.cwd()
        self._function, self._needed = cloudpickle.dumps(function), _conditions(self._file, threads=1)
        self._work: Work | None = None
        self._refusal: str | None = "a worker must be checked"
        self._cancelled, self._is_over = set[object](), False

    def setup(self, worker: Worker) -> None:
        """Check the worker; what is raised here would reach the client only from workers that it has already."""
        here, needed = _conditions(self._file, worker.state.nthreads), self._needed
        name = next((name for name in needed | here if here.get(name) != needed.get(name)), None)
        self._refusal = name and (
            f"the worker at {worker.address} must have one thread, and the code, versions, processor and files of this "
            f"process; received: another {name}: {here.get(name)}, not {needed.get(name)}; start it anew with the same"
        )
        threadpool_limits(1, "blas")  # as `stages/__init__.py` does where nothing has imported NumPy before

    def transition(self, key: object, start: str, finish: str, **kwargs: Any) -> None:
        """Note which tasks the client no longer needs, because it is gone or another task failed."""
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

        self._work = self._work or pickle.loads(self._function)
        for item in pickle.loads(items):
            end_if_over()
            yield self._work(item, end_if_over)


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
