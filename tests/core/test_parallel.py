import threading
import time

import cv2
import pytest

from stages.core import parallel as executor
from stages.core.errors import PipelineError
from stages.core.parallel import map_ordered, worker_count


@pytest.fixture
def workers(monkeypatch):
    def choose(value: str) -> None:
        monkeypatch.setenv("PIPELINE_WORKERS", value)

    return choose


def run(function, items) -> list:
    items = list(items)
    return list(map_ordered(function, items, total=len(items), label="test"))


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "", " 2", "²", "1e3"])
def test_bad_number_of_workers_is_refused(workers, value):
    workers(value)
    with pytest.raises(PipelineError) as caught:
        worker_count()
    assert str(caught.value) == f"`PIPELINE_WORKERS` must be a whole number of at least 1; received: {value!r}"


def test_number_of_workers_is_taken_from_the_environment(workers):
    workers("3")
    assert worker_count() == 3


def test_by_default_there_is_a_worker_at_least(monkeypatch):
    monkeypatch.delenv("PIPELINE_WORKERS", raising=False)
    assert worker_count() >= 1


def test_results_keep_the_order_of_the_items(workers):
    workers("8")

    def late_if_even(number: int) -> int:
        time.sleep(0.002 * (number % 2 == 0))
        return number

    assert run(late_if_even, range(100)) == list(range(100))


@pytest.mark.parametrize("value", ["1", "8"])
def test_every_item_is_worked_on_once(workers, value):
    workers(value)
    done = []
    assert run(lambda number: done.append(number) or number**2, range(97)) == [number**2 for number in range(97)]
    assert sorted(done) == list(range(97))


def test_no_items_give_no_results(workers):
    workers("2")
    assert run(str, []) == []


def test_workers_work_at_the_same_time(workers):
    workers("4")
    barrier = threading.Barrier(4, timeout=10)
    assert run(lambda _: barrier.wait(), range(4))  # passes only when all four wait


def test_each_worker_gets_one_opencv_thread(workers):
    workers("2")
    before = cv2.getNumThreads()
    try:
        assert run(lambda _: cv2.getNumThreads(), range(2)) == [1, 1]
    finally:
        cv2.setNumThreads(before)


def test_items_under_way_are_bounded(workers):
    workers("2")
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = map_ordered(str, items(), total=1000, label="test")
    assert next(results) == "0"
    assert len(taken) <= 8
    results.close()
    assert len(taken) <= 8


def test_first_error_is_raised_and_ends_the_work(workers):
    workers("2")
    started = []

    def fail_from_three(number: int) -> int:
        started.append(number)
        if number >= 3:
            raise ValueError(number)
        return number

    results = []
    with pytest.raises(ValueError, match=r"^3$"):
        for result in map_ordered(fail_from_three, range(1000), total=1000, label="test"):
            results.append(result)
    assert results == [0, 1, 2]
    count = len(started)
    assert count <= 3 + 8
    time.sleep(0.02)
    assert len(started) == count


def test_waiting_work_is_called_off_after_an_error(workers):
    workers("1")
    started = []

    def fail_at_once(number: int) -> None:
        started.append(number)
        if number == 0:
            raise ValueError
        time.sleep(0.2)

    with pytest.raises(ValueError):  # noqa: PT011
        run(fail_at_once, range(4))
    assert len(started) < 4


def test_error_of_the_items_is_raised(workers):
    workers("2")

    def items():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(map_ordered(str, items(), total=2, label="test"))


def test_no_thread_is_left_after_an_error(workers):
    workers("4")
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        run(lambda number: 1 // number, range(50))
    assert threading.active_count() == before


def test_a_log_gets_whole_lines_of_progress_and_none_at_the_end(workers, capsys, monkeypatch):
    workers("1")
    monkeypatch.setattr(executor, "LOG_SECONDS", 0.01)
    run(lambda _: time.sleep(0.005), range(20))
    lines = capsys.readouterr().err.splitlines(keepends=True)
    assert 1 < len(lines) < 20
    assert all(line.startswith("test: ") and line.endswith("]\n") and "\r" not in line for line in lines)


def test_a_log_of_short_work_stays_empty(workers, capsys):
    workers("1")
    run(str, range(20))
    assert capsys.readouterr().err == ""
