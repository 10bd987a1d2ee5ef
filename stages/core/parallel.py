"""Shares work over many files out to workers: threads of this machine, or those of a Dask cluster, if one is named."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial
from typing import TextIO, TypeVar

import cv2
from tqdm import tqdm

from stages.core.machine import WORKERS_VARIABLE, worker_count

Item = TypeVar("Item")
Result = TypeVar("Result")
Images = TypeVar("Images", bound=Sized)  # that are worked on together
CLUSTER_VARIABLE = "PIPELINE_CLUSTER"
_CHUNK = 32  # images that a worker of a cluster gets at a time, at most
LOG_SECONDS = 30  # between two lines of progress in a log
_STARTED = time.monotonic()
_UNDER_WAY = threading.local()  # of each thread: what `count_image` does


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], *, total: int, label: str, unit: str = "images"
) -> Iterator[Result]:
    """Apply a function to every item on all workers, and yield the results in the order of the items.

    With `PIPELINE_CLUSTER`, these are the workers of a cluster: everything that the function holds must be picklable.

    Only a few items a worker are under way at a time, so memory does not grow with their number. The first error
    ends the work and is raised.
    """
    with progress(total=total, label=label, unit=unit) as bar:
        share_out = partial(_map_on_cluster, total=total, most=_CHUNK) if uses_cluster() else map_bounded
        for result in share_out(function, items):
            bar.update()
            yield result


def map_bounded(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Do the same as `map_ordered`, but always on threads of this machine: for a few items, or arrays in memory."""
    return _map(function, items, lambda: None, window=4 * worker_count())


def map_parts(function: Callable[[Images], Result], parts: Sequence[Images], *, label: str) -> Iterator[Result]:
    """Do the same with the parts of a data set; the function calls `count_image` after each image."""
    counting = threading.Lock()
    with progress(total=sum(map(len, parts)), label=label) as bar:
        if uses_cluster():
            results = _map_on_cluster(function, parts, total=len(parts), most=1)
            for part, result in zip(parts, results, strict=True):
                bar.update(len(part))
                yield result
            return

        def count() -> None:
            with counting:  # a bar is not made for several threads
                bar.update()

        # The result of a part may be large: at most one waits for each part under way.
        yield from _map(function, parts, count, window=2 * worker_count())


def count_image() -> None:
    """Count an image of a part, and raise `CancelledError` if another part failed, or the stage was stopped."""
    count = getattr(_UNDER_WAY, "count", None)
    if count is not None:
        count()


def uses_cluster() -> bool:
    """Return whether the environment names a cluster."""
    return CLUSTER_VARIABLE in os.environ


def _map_on_cluster(
    function: Callable[[Item], Result], items: Iterable[Item], *, total: int, most: int
) -> Iterator[Result]:
    # Dask takes a second to import.
    from stages.core.cluster import map_on_cluster

    address = os.environ[CLUSTER_VARIABLE]
    return map_on_cluster(partial(_call_on_worker, function), items, address=address, total=total, most=most)


def _call_on_worker(function: Callable[[Item], Result], item: Item, end_if_over: Callable[[], None]) -> Result:
    os.environ.pop(CLUSTER_VARIABLE, None)  # work within the function stays on the worker, which has one thread
    os.environ[WORKERS_VARIABLE] = "1"
    cv2.setNumThreads(1)
    _UNDER_WAY.count = end_if_over
    return function(item)


def _map(
    function: Callable[[Item], Result], items: Iterable[Item], count: Callable[[], None], window: int
) -> Iterator[Result]:
    pending: deque = deque()
    stop = threading.Event()

    def count_or_end() -> None:
        if stop.is_set():
            raise CancelledError
        count()

    def call(item: Item) -> Result:
        _UNDER_WAY.count = count_or_end
        return function(item)

    cv2.setNumThreads(1)  # for each worker, so that they do not compete
    with ThreadPoolExecutor(worker_count()) as executor:
        try:
            for item in items:
                pending.append(executor.submit(call, item))
                if len(pending) >= window:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            stop.set()
            for future in pending:
                future.cancel()


class _Lines(tqdm):
    """A progress bar for a log: whole lines, so that what comes after starts a line of its own."""

    @staticmethod
    def status_printer(file: TextIO) -> Callable[[str], None]:
        def print_line(text: str) -> None:
            file.write(f"{text}\n")
            file.flush()

        return print_line

    def close(self) -> None:
        """End without a last line."""
        self.disable = True


def progress(*, total: int, label: str, unit: str = "images") -> tqdm:
    """Return a progress bar with rate and time left: redrawn on a terminal, a line every half minute elsewhere."""
    options = {"total": total, "desc": label, "unit": f" {unit}"}
    if sys.stderr.isatty():
        return tqdm(**options, leave=False, mininterval=0.2)
    return _Lines(**options, mininterval=LOG_SECONDS, maxinterval=LOG_SECONDS, delay=LOG_SECONDS, position=0)


def print_summary(summary: str) -> None:
    """Print a stage's last line: what it did, how many, where, and how many seconds its process took."""
    print(f"{summary} ({time.monotonic() - _STARTED:.0f} s)")
