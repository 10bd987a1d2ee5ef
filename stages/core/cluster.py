"""Shares work out to the workers of a Dask cluster, which read and write the same files as this process.

Imported only where the environment names a cluster.
"""

import logging
import re
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import cloudpickle
import dask
from distributed import Client, Future, KilledWorker, Security, TimeoutError
from distributed.client import ClosedClientError, WorkerStartTimeoutError

from stages.core.errors import PipelineError, line_of, printable
from stages.core.machine import code_digest
from stages.core.paths import PARTIAL
from stages.core.worker import Job, Work, apply_job

_ANSWER = 5  # seconds in which the scheduler must answer
_LOOK = 2  # seconds between two looks at whether the scheduler and workers are there
_PATIENCE = 30  # seconds without any worker, or with one that does not answer
_TASKS_A_WORKER = 4  # that are under way
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:\d+")


def map_on_cluster(function: Work, items: Iterable, *, address: str, total: int, most: int) -> Iterator[Any]:
    """Apply a function to every item on the workers of a cluster, and yield the results in the order of the items.

    Only a few tasks a worker are under way at a time, so memory does not grow with the number of items. The first error
    ends the work and is raised. The tasks of a worker that dies go to another.
    """
    pending: deque[Future] = deque()
    with _connect(address) as client, _register(client, address, function) as job:
        workers = max(1, _count_workers(client))
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
def _register(client: Client, address: str, function: Work) -> Iterator[Job]:
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
    return client.scheduler_info(n_workers=0).get("n_workers", 0)


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
