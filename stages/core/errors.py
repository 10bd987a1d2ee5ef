"""The one exception for a user's mistake, and the one place that turns it into one line on standard error.

Failures of the machine, such as a full disk, are reported in one line too.
"""

import errno
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stages.core.interruption import Interrupted, interruptible


class PipelineError(Exception):
    """A mistake in the params or the data that the user can fix; the message says how, in one line for each mistake."""


def printable(name: object) -> str:
    r"""Return a name or a path that is safe to print in one line: characters that cannot be printed are escaped.

    Examples
    --------
    >>> printable("caf\u00e9 \n\x1b[31m\udce9\u202e.png")
    'caf\xe9 \\n\\x1b[31m\\udce9\\u202e.png'
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(name))


@contextmanager
def error_context(file: object) -> Iterator[None]:
    """Turn an `OSError` or a `MemoryError` into an error that names the file, or whatever was being worked on."""
    try:
        yield
    except (OSError, MemoryError) as error:
        raise PipelineError(f"`{printable(file)}`: {_reason(error, known=file)}") from error


@contextmanager
def failure_context(file: object, what: str) -> Iterator[None]:
    """Turn whatever a method or a model raises into an error that names the file."""
    try:
        yield
    except Exception as error:
        raise PipelineError(f"`{file}`: {what} failed: {line_of(error)}") from error


def line_of(error: Exception) -> str:
    """Return an exception's type and message in one line, safe to print."""
    return printable(" ".join(f"{type(error).__name__}: {error}".split()))


def _reason(error: OSError | MemoryError, known: object = None) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory; lower PIPELINE_WORKERS, `data.max_pixels` or `data.max_side`"
    reason = printable(error.strerror or " ".join(str(error).split()) or type(error).__name__)
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    named = [f"`{printable(name)}`" for name in names if name != str(known)]
    advice = "; make room, then `dvc repro` goes on" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{reason}{': ' if named else ''}{' and '.join(named)}{advice}"


def _check_arguments(stage: Callable[..., None], arguments: tuple[str, ...]) -> None:
    signature = inspect.signature(stage)
    try:
        signature.bind(*arguments)
    except TypeError:
        named = (f"<{name}>" for name, of in signature.parameters.items() if of.kind is not of.KEYWORD_ONLY)
        usage = " ".join([f"python -m stages.{stage.__name__}", *named])
        received = printable(" ".join(arguments)) or "no argument"
        raise PipelineError(f"a stage must be run as `{usage}`; received: {received}") from None


def run_stage(stage: Callable[..., None], *arguments: str) -> None:
    """Run a stage; end the process with one line for each mistake of the user, and with a traceback only for our own.

    The exit code is 1 after such a line, 128 and the signal's number after an interruption.
    """
    try:
        _check_arguments(stage, arguments)
        with interruptible():
            stage(*arguments)
    except PipelineError as error:
        sys.exit("\n".join(f"error: {mistake}" for mistake in str(error).split("\n")))
    except (OSError, MemoryError) as error:
        sys.exit(f"error: {_reason(error)}")
    except Interrupted as interruption:
        print(
            "interrupted: nothing half-written was kept; the same command goes on after what is finished",
            file=sys.stderr,
        )
        sys.exit(128 + interruption.number)


@contextmanager
def hold_back_errors() -> Iterator[None]:
    """Hold back standard error, including what compiled code writes, and show it only after an exception."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(original, held.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
