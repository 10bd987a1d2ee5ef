"""Shares work over many files out to workers.

Threads of this machine today; anything with the interface of `concurrent.futures` can take their place.
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from typing import TextIO, TypeVar

import cv2
from tqdm import tqdm

from stages.core.errors import PipelineError

Item = TypeVar("Item")
Result = TypeVar("Result")
WORKERS_VARIABLE = "PIPELINE_WORKERS"
OPERATION_THREADS_VARIABLE = "PIPELINE_OPERATION_THREADS"
LOG_SECONDS = 30  # between two lines of progress in a log
_STARTED = time.monotonic()


def worker_count() -> int:
    """Return how many workers to use: `PIPELINE_WORKERS` of the environment, or one per usable core.

    Raises
    ------
    PipelineError
        If `PIPELINE_WORKERS` is not a whole number of at least 1.
    """
    if WORKERS_VARIABLE in os.environ:
        return _whole_number(WORKERS_VARIABLE)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def operation_threads() -> int:
    """Return how many threads compute one operation of a network: `PIPELINE_OPERATION_THREADS`, or one.

    With more, cores that networks side by side leave idle help to train them. Sums are then split in another way for
    each number of threads, so that results are the same only for the same number.

    Raises
    ------
    PipelineError
        If `PIPELINE_OPERATION_THREADS` is not a whole number of at least 1.
    """
    return _whole_number(OPERATION_THREADS_VARIABLE) if OPERATION_THREADS_VARIABLE in os.environ else 1


def _whole_number(variable: str) -> int:
    value = os.environ[variable]
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise PipelineError(f"`{variable}` must be a whole number of at least 1; received: {value!r}")
    return int(value)


def make_executor() -> Executor:
    """Return the executor of this process; each worker gets one OpenCV thread, so that they do not compete."""
    cv2.setNumThreads(1)
    return ThreadPoolExecutor(worker_count())


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], *, total: int, label: str
) -> Iterator[Result]:
    """Apply a function to every item on all workers, and yield the results in the order of the items.

    Only a few items a worker are under way at a time, so memory does not grow with their number. The first error
    ends the work and is raised.

    Parameters
    ----------
    function : callable
        Called with one item, on any thread.
    items : iterable
        What to work on.
    total : int
        How many items there are, for the progress bar.
    label : str
        Name on the progress bar.

    Yields
    ------
    object
        The function's results.
    """
    with progress(total=total, label=label) as bar:
        for result in map_bounded(function, items):
            bar.update()
            yield result


def map_bounded(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Do the same as `map_ordered`, without a progress bar and a known number of items."""
    window = 4 * worker_count()
    pending: deque = deque()
    with make_executor() as executor:
        try:
            for item in items:
                pending.append(executor.submit(function, item))
                if len(pending) >= window:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def run_side_by_side(
    function: Callable[[Item, threading.Event], Result], items: Iterable[Item], at_once: int
) -> list[Result]:
    """Call a function that takes long with every item, each on a thread of its own.

    Parameters
    ----------
    function : callable
        Called with one item and an event; it must return soon after the event is set, which is when another call
        failed, or the stage was interrupted.
    items : iterable
        What to work on.
    at_once : int
        How many calls run at the same time.

    Returns
    -------
    list
        The function's results, in the order of the items.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(at_once) as executor:
        futures = [executor.submit(function, item, stop) for item in items]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return [future.result() for future in futures]
        finally:
            stop.set()
            for future in futures:
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
    return _Lines(**options, mininterval=LOG_SECONDS, maxinterval=LOG_SECONDS, delay=LOG_SECONDS)


def finish(summary: str) -> None:
    """Print a stage's last line: what it did, how many, where, and how many seconds its process took."""
    print(f"{summary} ({time.monotonic() - _STARTED:.0f} s)")
