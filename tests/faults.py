"""What fails in the place of a function that works, and what is said of it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.core.errors import run_stage


def message_of(error: type[BaseException], function: Callable, *arguments, **options) -> str:
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    return str(caught.value)


def last_words(stage: Callable, *arguments: str) -> str:
    """Return what Python prints when a stage fails, before it ends with 1."""
    return message_of(SystemExit, run_stage, stage, *arguments)


def wait_for(condition: Callable, seconds: float = 60):
    """Return what a condition returns as soon as that is true."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)
    return result


def of_system(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def failing(function: Callable, outcome: object, after: int) -> Callable:
    """Return a function that works on so many images, and then raises an error, or returns what is no error."""
    calls = iter(range(1000))

    def fail(*arguments, **options):
        is_other_file = isinstance(arguments[0], Path) and after and arguments[0].suffix != ".png"
        if is_other_file or next(calls) < after:
            return function(*arguments, **options)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return fail


def leaving_half(error: OSError) -> Callable:
    """Return a function that writes a file, open or named, in part, and then fails."""

    def write(*arguments, **options):
        for file in arguments:
            if isinstance(file, Path):
                file.write_bytes(b"half")
            elif hasattr(file, "write"):
                file.write(b"half")
        raise error

    return write
