"""Groups of people: known answers, gaps that chance opens, and the table and page that tell of them."""

import numpy as np
import pytest

from stages.core.people import read_people
from stages.results import groups
from stages.results.groups import group_table, largest_gap
from tests.synthetic import PATHS, WRONG

WHO = np.arange(160) % 16  # ten images of each person
GROUP = np.where(WHO < 8, "a", np.where(WHO < 12, "b", "c"))


def test_the_gap_is_between_the_groups_that_are_furthest_apart():
    values = np.select([GROUP == "a", GROUP == "b"], [0.25, 0.5], 0.75)[None]
    gap = largest_gap(values, GROUP, WHO)
    assert gap[:3] == (0.5, 0.5, 0.5)
    assert gap.p_value < 0.005
    assert largest_gap(np.ones((1, 160)), GROUP, WHO) == (0, 0, 0, 1)


def null_p_values(units: np.ndarray, times: int) -> np.ndarray:
    """Test two groups of eight people who differ among themselves, and by group not at all, again and again."""
    rng = np.random.default_rng(0)
    worlds = [rng.random((1, 160)) < rng.random(16)[WHO] for _ in range(times)]
    return np.array([largest_gap(values, WHO < 8, units).p_value for values in worlds])


def test_people_who_differ_are_no_gap_between_groups_unless_images_are_taken_for_independent(monkeypatch):
    monkeypatch.setattr(groups, "RESAMPLES", 200)
    assert (null_p_values(WHO, 100) < 0.1).mean() == pytest.approx(0.1, abs=0.05)
    assert (null_p_values(np.arange(160), 20) < 0.1).mean() > 0.25


def test_the_interval_counts_training_runs_too():
    values = np.tile((GROUP == "a") * 0.5, (3, 1))
    assert np.ptp(largest_gap(values, GROUP, WHO)[1:3]) < 1e-9
    assert np.ptp(largest_gap(values * [[0.5], [1], [1.5]], GROUP, WHO)[1:3]) > 0.2


def rows_of(groups: dict[str, str], datasets: list[str]) -> list[dict]:
    table = group_table(datasets, groups, read_people().test)
    return table.astype(object).where(table.notna(), None).to_dict("records")


def test_each_data_set_has_a_row_for_each_group_and_one_for_the_gap(results):
    # All boats of five people, of which morphology gets eight wrong and names four; of two images nothing is known.
    results()
    rows = rows_of({path: "old" if path.startswith("boat") else "a" for path in PATHS[:-2]}, list(WRONG))
    assert [(row["dataset"], row["group"]) for row in rows][:3] == [("raw", "a"), ("raw", "old"), ("raw", "")]
    young, old, gap = rows[-3:]
    assert [row["images"] for row in (young, old, gap)] == [8, 10, 18]
    assert (young["accuracy"], old["accuracy"]) == (1, 0.2)
    assert (young["accuracy_drop"], old["accuracy_drop"], gap["accuracy_drop"]) == (0, 0.7, 0.7)
    assert old["accuracy_drop_low"] < 0.7 < old["accuracy_drop_high"]
    assert (young["identity_accuracy"], old["identity_accuracy"], gap["identity_accuracy"]) == (0, 0.4, 0.4)
    assert gap["accuracy_drop_p"] < 0.05 < gap["identity_p"]
    assert [rows[2][key] for key in ("accuracy", "accuracy_drop", "accuracy_drop_p")] == [None] * 3


@pytest.mark.parametrize("people", [True, False])
def test_without_groups_or_with_one_nothing_is_compared(results, people):
    results(people=people)
    rows = rows_of(dict.fromkeys(PATHS, "all"), list(WRONG))
    assert {row[key] for row in rows for key in ("accuracy_drop_p", "identity_p")} == {None}
    assert {row["identity_accuracy"] is not None for row in rows if row["group"]} == {people}
    assert group_table(list(WRONG), {}, {}).empty
