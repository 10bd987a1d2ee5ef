"""What fails in the place of a function that works."""

import os
from collections.abc import Callable
from pathlib import Path


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
