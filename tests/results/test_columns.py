"""Every metric has one title, one unit and one way to be rounded."""

import math
import re

import pandas as pd
import pytest

from stages.compare import comparison_table
from stages.core.params import load_params
from stages.results.columns import COLUMNS, METRIC_KEYS, attacker_name, cell, columns_of, show
from tests.synthetic import WRONG


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9825, "share", "98.3 %"),
        (0.98249, "share", "98.2 %"),
        (0.0625, "share", "6.3 %"),
        (-0.0004, "points", "0.0"),
        (0.1234, "points", "12.3"),
        (0.0004, "p", "< 0.001"),
        (0.0124, "p", "0.012"),
        (3.0, "count", "3"),
        (-1.005, "dB", "-1.01"),
        (math.nan, "share", ""),
        ("refused", "text", "refused"),
    ],
)
def test_numbers_are_rounded_in_one_way(value, unit, text):
    assert show(value, unit) == text


def test_dvc_s_table_fits_into_120_columns_and_keys_are_unique():
    # DVC puts four blanks between columns; no number is wider than its key.
    width = len("metrics/m/blocking_merging.json") + sum(4 + len(key) for key in METRIC_KEYS)
    assert width <= 120
    assert len({column.key for column in COLUMNS}) == len(COLUMNS)


def test_every_number_of_the_comparison_is_explained(results):
    results()
    table, _ = comparison_table(list(WRONG), load_params().compare)
    explained = {column.key for column in COLUMNS} | {column.interval for column in COLUMNS} | {"identity", "dataset"}
    end = re.compile("^region_|_(low|high|least|most)$")
    keys = {end.sub("", end.sub("", key)) for key in table}
    assert not {key for key in keys - explained if not key.startswith(("class ", "identity_accuracy_"))}
    assert all(column.text for column in COLUMNS)


def test_any_attacker_who_names_people_has_a_column():
    table = pd.DataFrame({"dataset": ["raw"], "identity_accuracy_my_own": [0.5], "region_identity_accuracy_naive": 0.1})
    assert [column.title for column in columns_of("named", table)] == ["my own", "naive, region"]
    assert "the my own attacker" in attacker_name("my_own")


def test_ends_of_intervals_are_shown_where_they_are_and_no_half_widths():
    column = next(column for column in COLUMNS if column.key == "accuracy")
    row = {"accuracy": 0.933, "accuracy_low": 0.843, "accuracy_high": 1.0}
    assert cell(row, column) == ("93.3 %", "84.3 to 100.0")
    assert cell({"accuracy": 0.933}, column) == ("93.3 %", "")
