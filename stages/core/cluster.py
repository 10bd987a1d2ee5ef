"""Shares work out to the workers of a Dask cluster, which read and write the same files as this process.

The function goes to them once, in a file, so that what it holds is neither sent with every task nor lost with a worker.
Imported only where the environment names a cluster.
"""

import hashlib
import json
import logging
import os
import pickle
import re
import shutil
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cloudpickle
import dask
from distributed import Client, Future, KilledWorker, Security, TimeoutError
from distributed.client import ClosedClientError

from stages.core.errors import PipelineError, line_of, shown
from stages.core.paths import PARTIAL
from stages.core.worker import ABOUT, FUNCTION, POLL, Task, Work, about

_STALE = 7 * 24 * 3600  # seconds after which a folder is that of a killed process
_ANSWER = 5  # seconds in which the scheduler must answer
_PATIENCE = 30  # seconds without any worker
_TASKS_A_WORKER = 4  # that are under way
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:\d+")


def map_on_cluster(function: Work, items: Iterable, *, address: str, total: int, most: int) -> Iterator[Any]:
    """Apply a function to every item on the workers of a cluster, and yield the results in the order of the items.

    Only a few tasks a worker are under way at a time, so memory does not grow with the number of items. The first error
    ends the work and is raised. The tasks of a worker that dies go to another.
    """
    pending: deque[Future] = deque()
    with _connect(address) as client, _share(function) as job:
        workers = max(1, _count_workers(client))
        source, size = iter(items), max(1, min(most, total // (_TASKS_A_WORKER * workers)))
        while chunk := list(islice(source, size)):
            os.utime(job[0])  # it is not stale
            task = pickle.dumps(Task(*job, cloudpickle.dumps(chunk)))
            with _in_one_line(address):
                pending.append(client.submit(pickle.loads, task, pure=False))
            if len(pending) >= _TASKS_A_WORKER * workers:
                yield from _take(client, address, pending.popleft())
                workers = max(workers, _count_workers(client))
        while pending:
            yield from _take(client, address, pending.popleft())


@contextmanager
def _connect(address: str) -> Iterator[Client]:
    if not _ADDRESS.fullmatch(address):
        raise PipelineError(
            "`PIPELINE_CLUSTER` must be the address of a Dask scheduler, such as tcp://host:8786; "
            f"received: {shown(repr(address))}"
        )
    is_encrypted, known = address.startswith("tls:"), Security().get_connection_args("client")
    if is_encrypted > bool(known.get("ssl_context")) or bool(known.get("require_encryption")) > is_encrypted:
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
def _share(function: Work) -> Iterator[tuple[str, str]]:
    """Write what workers need into a folder that its owner alone may read; once it is gone, they end their tasks."""
    PARTIAL.mkdir(parents=True, exist_ok=True)
    for old in PARTIAL.glob(".cluster.*"):
        with suppress(FileNotFoundError):  # another process may have been first
            if time.time() - old.stat().st_mtime > _STALE:
                shutil.rmtree(old, ignore_errors=True)
    with TemporaryDirectory(prefix=".cluster.", dir=PARTIAL.absolute(), ignore_cleanup_errors=True) as folder:
        content = cloudpickle.dumps(function)
        Path(folder, FUNCTION).write_bytes(content)
        Path(folder, ABOUT).write_text(json.dumps(about()), encoding="utf-8")
        yield folder, hashlib.sha256(content).hexdigest()


def _count_workers(client: Client) -> int:
    return client.scheduler_info(n_workers=0).get("n_workers", 0)


def _take(client: Client, address: str, future: Future) -> Iterator[Any]:
    with _in_one_line(address):
        _wait(client, address, future)
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
    except (CancelledError, OSError, ClosedClientError):
        raise PipelineError(
            f"`PIPELINE_CLUSTER` must name a Dask scheduler that goes on running; lost: {address}"
        ) from None
    except Exception as error:  # of a worker that could not begin
        raise PipelineError(
            f"`PIPELINE_CLUSTER` must have workers with the same code as this process; received: {line_of(error)}"
        ) from None


def _wait(client: Client, address: str, future: Future) -> None:
    alone = time.monotonic()
    while True:
        try:
            error = future.exception(timeout=POLL)
        except TimeoutError:
            if client.status != "running":
                raise CancelledError from None
            if _count_workers(client):
                alone = time.monotonic()
            elif time.monotonic() - alone > _PATIENCE:
                raise PipelineError(
                    f"`PIPELINE_CLUSTER` must have workers; received: {address} without any for {_PATIENCE} seconds"
                ) from None
        else:
            if error is not None:
                raise error
            return
