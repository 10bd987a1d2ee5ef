"""Runs one stage in a process of its own, and sees whether it crashes, hangs, or takes much memory."""

import faulthandler
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from stages.core.errors import run_stage

# The function of a stage that does the work on one image.
_WORK = {"ingest": "decode_image", "anonymize": "anonymize_image"}
_STARTUP_SECONDS = 60


class Run(NamedTuple):
    """How a stage ended."""

    outcome: str  # "done", "stopped" (with one line), "crash" or "hang"
    words: str  # what it wrote to standard error
    slowest: float = 0.0  # seconds that one image took
    peak: int = 0  # MiB


def run_watched(workspace: Path, stage: str, *arguments: str, seconds: float, module: str | None = None) -> Run:
    """Run a stage in a workspace, as `python -m stages.<stage>` does, with its arguments.

    A run in which no image ends for so many seconds hangs. The module may be another one than `stages.<stage>`.
    """
    log = workspace / f"{stage}.log"
    module = module or f"stages.{stage}"
    context = multiprocessing.get_context("spawn")
    figures = context.SimpleQueue()
    process = context.Process(target=_child, args=(workspace, log, module, stage, arguments, seconds, figures))
    process.start()
    process.join()
    words = log.read_text(errors="replace")
    if process.exitcode == 0:
        return Run("done", words, *figures.get())
    if "Timeout (" in words:
        return Run("hang", words)
    stopped = process.exitcode == 1 and words.splitlines()[-1].startswith("error: ") and "Traceback" not in words
    return Run("stopped" if stopped else "crash", words)


def _child(
    workspace: Path, log: Path, module_name: str, stage: str, arguments: tuple[str, ...], seconds: float, figures
) -> None:
    os.chdir(workspace)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    faulthandler.dump_traceback_later(_STARTUP_SECONDS, exit=True)
    module = import_module(module_name)
    slowest = [0.0]
    setattr(module, _WORK[stage], _watch(getattr(module, _WORK[stage]), slowest, seconds))
    faulthandler.dump_traceback_later(seconds, exit=True)
    run_stage(getattr(module, stage), *arguments)
    faulthandler.cancel_dump_traceback_later()
    scale = 2**20 if sys.platform == "darwin" else 2**10
    figures.put((slowest[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // scale))


def _watch(function: Callable, slowest: list[float], seconds: float) -> Callable:
    def timed(*arguments, **options):
        start = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            slowest[0] = max(slowest[0], time.perf_counter() - start)
            faulthandler.dump_traceback_later(seconds, exit=True)

    return timed
