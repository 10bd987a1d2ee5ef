import os
import signal

import pytest

from stages.core.errors import PipelineError, hold_back_errors, run_stage


def test_arguments_are_passed_on():
    received = []
    run_stage(received.append, "raw")
    assert received == ["raw"]


def test_mistake_of_the_user_ends_in_one_line():
    def stage() -> None:
        raise PipelineError("`data.seed` is missing")

    with pytest.raises(SystemExit) as caught:
        run_stage(stage)
    assert caught.value.code == "error: `data.seed` is missing"  # printed by Python, which then ends with 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_ends_in_one_line(capsys, number):
    with pytest.raises(SystemExit) as caught:
        run_stage(lambda: signal.raise_signal(number))
    assert caught.value.code == 128 + number
    assert len(capsys.readouterr().err.splitlines()) == 1


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
