"""Batches: which images, in which order, and how much memory they take."""

import re
from pathlib import Path

import numpy as np
import pytest

from stages.network.batches import batches
from stages.network.inputs import create_inputs
from stages.network.runtime import start_tensorflow

STATUS = Path("/proc/self/status")


def contents(dataset):
    parts = [(np.asarray(inputs), np.asarray(labels)) for inputs, labels in dataset]
    return tuple(np.concatenate(column).tolist() for column in zip(*parts, strict=True))


def test_every_epoch_has_every_row_once_in_an_order_of_its_own():
    start_tensorflow(0, "float32")
    inputs, labels, rows = np.arange(40).reshape(10, 4), np.arange(10) % 3, np.arange(2, 9)
    data = batches(inputs, labels, rows, 3, seed=5, epochs=range(2))
    assert [len(part) for part, _ in data] == [3, 3, 1] * 2
    values, classes = contents(data)
    assert values == inputs[[row[0] // 4 for row in values]].tolist()
    assert classes == [row[0] // 4 % 3 for row in values]
    first, second = values[:7], values[7:]
    assert sorted(first) == sorted(second) == inputs[rows].tolist()
    assert first != second
    # An interrupted training goes on with the order that the epoch would have had.
    assert contents(batches(inputs, labels, rows, 3, seed=5, epochs=range(1, 2)))[0] == second


def anonymous_memory():
    """Return how much memory the process takes beside files that are mapped."""
    return 1024 * int(re.search(r"RssAnon:\s+(\d+)", STATUS.read_text())[1])


@pytest.mark.skipif(not STATUS.is_file(), reason="the system does not tell")
def test_inputs_are_not_copied_into_memory(tmp_path):
    start_tensorflow(0, "float32")
    inputs = create_inputs(tmp_path, (128, 2**20), np.uint8)
    labels, rows = np.zeros(128, int), np.arange(128)
    next(iter(batches(inputs[:4], labels, rows[:4], 2)))
    before = anonymous_memory()
    training = iter(batches(inputs, labels, rows, 2, seed=0))
    validation = iter(batches(inputs, labels, rows, 2))
    next(training), next(validation)
    assert anonymous_memory() - before < inputs.nbytes / 4
