import os
import signal
from pathlib import Path

import pytest

from stages.core.errors import PipelineError, hold_back_errors, naming, run_stage, shown


def test_arguments_are_passed_on():
    received = []
    run_stage(received.append, "raw")
    assert received == ["raw"]


def test_each_mistake_of_the_user_is_one_line_that_a_log_can_be_searched_for():
    def stage() -> None:
        raise PipelineError("`data.seed` is missing\n`data.rename` is missing")

    with pytest.raises(SystemExit) as caught:
        run_stage(stage)
    # Printed by Python, which then ends with 1.
    assert caught.value.code == "error: `data.seed` is missing\nerror: `data.rename` is missing"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_ends_in_one_line(capsys, number):
    with pytest.raises(SystemExit) as caught:
        run_stage(lambda: signal.raise_signal(number))
    assert caught.value.code == 128 + number
    assert len(capsys.readouterr().err.splitlines()) == 1


def words_of(error: Exception) -> str:
    def stage() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        run_stage(stage)
    return caught.value.code


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file or directory", "a\nb"), "No such file or directory: `a\\nb`"),
        (OSError(39, "Directory not empty", "a", None, "b"), "Directory not empty: `a` and `b`"),
        (OSError(28, "No space left on device"), "No space left on device; make room, then `dvc repro` goes on"),
        (OSError("from a library,\nin two lines"), "from a library, in two lines"),
        (OSError(), "OSError"),
        (
            MemoryError(),
            "not enough memory; lower PIPELINE_WORKERS, `data.max_pixels` or `data.max_side`",
        ),
    ],
    ids=range(6),
)
def test_what_the_machine_refuses_ends_in_one_line(error, words):
    assert words_of(error) == f"error: {words}"


def test_file_that_was_worked_on_is_named():
    with pytest.raises(PipelineError, match=r"^`a/b\\n\.png`: Permission denied$"), naming("a/b\n.png"):
        raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize(("name", "said"), [("a/b.png", ""), ("a/other", ": `a/other`")])
def test_file_is_named_once(name, said):
    with pytest.raises(PipelineError) as caught, naming(Path("a/b.png")):
        raise PermissionError(13, "Permission denied", name)
    assert str(caught.value) == f"`a/b.png`: Permission denied{said}"


def test_other_errors_are_not_touched_by_naming():
    with pytest.raises(ZeroDivisionError), naming("a"):
        raise ZeroDivisionError


@pytest.mark.parametrize(("arguments", "received"), [((), "no argument"), (("a", "b"), "a b"), (("a", "\n"), "a \\n")])
def test_stage_without_its_argument_says_how_to_run_it(arguments, received):
    def anonymize(name: str) -> None:
        raise AssertionError

    with pytest.raises(SystemExit) as caught:
        run_stage(anonymize, *arguments)
    assert caught.value.code == (
        f"error: a stage must be run as `python -m stages.anonymize <name>`; received: {received}"
    )


def test_wrong_call_within_a_stage_is_a_mistake_of_ours():
    def stage() -> None:
        len()

    with pytest.raises(TypeError):
        run_stage(stage)


@pytest.mark.parametrize("name", ["a/b.png", "caf\u00e9", "\u65e5\u672c", "a b"])
def test_name_that_can_be_printed_is_shown_as_it_is(name):
    assert shown(name) == name


@pytest.mark.parametrize(
    ("name", "spelt"), [("a\nb", r"a\nb"), ("\x1b[31m", r"\x1b[31m"), ("\udce9", r"\udce9"), ("\u202e", r"\u202e")]
)
def test_name_that_cannot_be_printed_is_spelt_out(name, spelt):
    assert shown(name) == spelt


def test_mistake_of_ours_keeps_its_traceback():
    def stage() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_stage(stage)


def test_held_back_errors_are_dropped(capfd):
    with hold_back_errors():
        os.write(2, b"noise\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_held_back_errors_are_shown_after_an_exception(capfd):
    with pytest.raises(ZeroDivisionError), hold_back_errors():
        os.write(2, b"reason\n")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "reason\n"
