"""One line for what the user can mend, a traceback for our own mistakes."""

import os
from pathlib import Path

import pytest

from stages.core.errors import PipelineError, error_context, hold_back_errors, run_stage
from tests.faults import last_words


def failing(error):
    def stage() -> None:
        raise error

    return stage


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file or directory", "a\nb"), "No such file or directory: `a\\nb`"),
        (OSError(39, "Directory not empty", "a", None, "b"), "Directory not empty: `a` and `b`"),
        (OSError(28, "No space left on device"), "No space left on device; make room, then `dvc repro` goes on"),
        (OSError("from a library,\nin two lines"), "from a library, in two lines"),
        (OSError(), "OSError"),
        (MemoryError(), "not enough memory; "),
    ],
    ids=range(6),
)
def test_what_the_user_can_mend_ends_in_one_line(error, words):
    said = last_words(failing(error))
    assert said.startswith(f"error: {words}") and said.isprintable()


def test_each_mistake_of_the_user_is_one_line_that_a_log_can_be_searched_for():
    mistakes = PipelineError("`data.seed` is missing\n`data.rename` is missing")
    assert last_words(failing(mistakes)) == "error: `data.seed` is missing\nerror: `data.rename` is missing"


@pytest.mark.parametrize("stage", [failing(ZeroDivisionError()), lambda: len()])
def test_our_own_mistake_keeps_its_traceback(stage):
    with pytest.raises((ZeroDivisionError, TypeError)):
        run_stage(stage)


@pytest.mark.parametrize(("arguments", "received"), [((), "no argument"), (("a", "b"), "a b"), (("a", "\n"), "a \\n")])
def test_a_stage_gets_its_argument_or_says_how_to_run_it(arguments, received):
    names = []

    def anonymize(name: str) -> None:
        names.append(name)

    usage = f"a stage must be run as `python -m stages.anonymize <name>`; received: {received}"
    assert last_words(anonymize, *arguments) == f"error: {usage}"
    run_stage(anonymize, "raw")
    assert names == ["raw"]


@pytest.mark.parametrize(
    ("file", "refused", "words"),
    [
        ("a/b\n.png", None, "`a/b\\n.png`: Permission denied"),
        (Path("a/b.png"), "a/b.png", "`a/b.png`: Permission denied"),
        (Path("a/b.png"), "a/other", "`a/b.png`: Permission denied: `a/other`"),
    ],
)
def test_the_file_that_was_worked_on_is_named_once(file, refused, words):
    with pytest.raises(PipelineError) as caught, error_context(file):
        raise PermissionError(13, "Permission denied", refused)
    assert str(caught.value) == words
    with pytest.raises(ZeroDivisionError), error_context(file):
        raise ZeroDivisionError


def test_held_back_errors_are_shown_only_after_an_exception(capfd):
    with hold_back_errors():
        os.write(2, b"noise\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
    with pytest.raises(ZeroDivisionError), hold_back_errors():
        os.write(2, b"reason\n")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "reason\n"
