"""Turns Ctrl-C, SIGTERM and the end of the `dvc repro` that started a stage into one exception."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# DVC sets it for the stages that it runs.
PIPELINE_VARIABLE = "DVC_ROOT"
_WATCH_SECONDS = 0.5


class Interrupted(KeyboardInterrupt):
    """The stage was told to stop; holds the signal's number."""

    def __init__(self, number: int = signal.SIGINT):
        super().__init__()
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` in the block on Ctrl-C, on SIGTERM, and when the `dvc repro` that waits for it is gone.

    A second signal ends the process at once. Outside the block signals do what they did before.
    """
    previous = {number: signal.signal(number, _interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    hook, sys.unraisablehook = sys.unraisablehook, _end_if_interrupted
    if PIPELINE_VARIABLE in os.environ:
        threading.Thread(target=_watch_parent, args=[os.getppid()], daemon=True).start()
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: Any) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    raise Interrupted(number)


def _end_if_interrupted(unraisable: Any) -> None:
    # Python drops an exception that is raised while it deletes an object; the signal must not be lost.
    if isinstance(unraisable.exc_value, Interrupted):
        os._exit(128 + unraisable.exc_value.number)
    sys.__unraisablehook__(unraisable)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
