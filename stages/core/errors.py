"""The one exception for a user's mistake, and the one place that turns it into one line on standard error."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stages.core.interruption import Interrupted, interruptible


class PipelineError(Exception):
    """A mistake in the params or the data that the user can mend; the message is one line that says how."""


def shown(name: object) -> str:
    r"""Return a name, or a path, as it may stand in one line: what is not printed is spelt out.

    Parameters
    ----------
    name : object
        A text or a path.

    Returns
    -------
    str
        Without line breaks, control characters and bytes that are not UTF-8.

    Examples
    --------
    >>> shown("a\nb")
    'a\\nb'
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(name))


def run_stage(stage: Callable[..., None], *arguments: str) -> None:
    """Run a stage; end the process with one line for a user's mistake, with a traceback only for ours.

    Parameters
    ----------
    stage : callable
        The stage's function.
    *arguments : str
        Its arguments.

    Raises
    ------
    SystemExit
        With code 1 after a `PipelineError`, with 128 and the signal's number after an interruption.
    """
    try:
        with interruptible():
            stage(*arguments)
    except PipelineError as error:
        sys.exit(f"error: {error}")
    except Interrupted as interruption:
        print(
            "interrupted: nothing half-written was kept; `dvc repro` goes on from the last whole stage", file=sys.stderr
        )
        sys.exit(128 + interruption.number)


@contextmanager
def hold_back_errors() -> Iterator[None]:
    """Hold back what is written to standard error, by compiled code too, and show it only after an exception."""
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(shown, held.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)
