"""Work on many items: in order, at the same time, bounded, and ended by the first error."""

import os
import threading
import time

import cv2
import pytest

from stages.core import parallel
from stages.core.errors import PipelineError
from stages.core.machine import operation_threads, worker_count
from stages.core.parallel import map_ordered
from tests.faults import message_of


@pytest.fixture
def workers(monkeypatch):
    return lambda value: monkeypatch.setenv("PIPELINE_WORKERS", value)


def run(function, items) -> list:
    return list(map_ordered(function, items, total=len(items), label="test"))


NUMBERS = {"PIPELINE_WORKERS": worker_count, "PIPELINE_OPERATION_THREADS": operation_threads}


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "", " 2", "²", "1e3"])
@pytest.mark.parametrize("variable", NUMBERS)
def test_a_bad_number_of_workers_or_threads_is_refused(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    message = message_of(PipelineError, NUMBERS[variable])
    assert message == f"`{variable}` must be a whole number of at least 1; received: {value!r}"


def test_workers_and_threads_are_taken_from_the_environment_and_else_one_a_core_and_one(monkeypatch):
    for variable, number in NUMBERS.items():
        monkeypatch.setenv(variable, "3")
        assert number() == 3
        monkeypatch.delenv(variable)
    assert worker_count() == len(os.sched_getaffinity(0))
    assert operation_threads() == 1


@pytest.mark.parametrize("value", ["1", "8"])
def test_every_item_is_worked_on_once_and_results_keep_the_order(workers, value):
    workers(value)
    done = []

    def late_if_even(number: int) -> int:
        time.sleep(0.002 * (number % 2 == 0))
        done.append(number)
        return number**2

    assert run(late_if_even, range(97)) == [number**2 for number in range(97)]
    assert sorted(done) == list(range(97))
    assert run(late_if_even, []) == []


def test_workers_work_at_the_same_time_with_one_opencv_thread_each(workers):
    workers("4")
    barrier, before = threading.Barrier(4, timeout=10), cv2.getNumThreads()
    try:
        # Passes only when all four wait.
        assert run(lambda _: (barrier.wait(), cv2.getNumThreads())[1], range(4)) == [1] * 4
    finally:
        cv2.setNumThreads(before)


def test_items_under_way_are_bounded(workers):
    workers("2")
    taken = []
    results = map_ordered(str, (taken.append(number) or number for number in range(1000)), total=1000, label="test")
    assert next(results) == "0"
    results.close()
    assert len(taken) <= 8


def test_the_first_error_is_raised_and_ends_the_work(workers):
    workers("2")
    started, results, before = [], [], threading.active_count()

    def fail_from_three(number: int) -> int:
        started.append(number)
        if number >= 3:
            time.sleep(0.05)
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match=r"^3$"):
        for result in map_ordered(fail_from_three, range(1000), total=1000, label="test"):
            results.append(result)
    assert results == [0, 1, 2]
    assert len(started) <= 8  # of the eleven that were handed out by then
    assert threading.active_count() == before


def test_an_error_of_the_items_is_raised(workers):
    workers("2")
    with pytest.raises(ZeroDivisionError):
        list(map_ordered(str, (1 // number for number in (1, 0)), total=2, label="test"))


def test_a_log_gets_whole_lines_of_progress_and_none_of_short_work(workers, capsys, monkeypatch):
    workers("1")
    run(str, range(20))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(parallel, "LOG_SECONDS", 0.01)
    run(lambda _: time.sleep(0.005), range(20))
    lines = capsys.readouterr().err.splitlines(keepends=True)
    assert 1 < len(lines) < 20
    assert all(line.startswith("test: ") and line.endswith("]\n") and "\r" not in line for line in lines)
