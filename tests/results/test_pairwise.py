"""Variants compared with each other: pairs, direction, and what widens an interval."""

import json

import numpy as np
import pytest

from stages.results.pairwise import clustered_difference, pairwise_table
from stages.results.scores import utility_file
from tests.synthetic import NAMED, WRONG, utility


def test_every_pair_of_variants_has_a_row_and_differences_are_first_less_second(results):
    results()
    (row,) = pairwise_table(list(WRONG)).to_dict("records")
    assert (row["variant"], row["compared_with"]) == ("gaussian_blur", "morphology")
    assert row["accuracy_difference"] == (WRONG["morphology"] - WRONG["gaussian_blur"]) / 20
    assert row["named_difference"] == (NAMED["gaussian_blur"] - NAMED["morphology"]) / 20
    assert row["named_low"] < row["named_difference"] < row["named_high"]
    assert np.isnan(row["accuracy_p"])  # one seed
    assert pairwise_table(["raw", "morphology"]).empty


def test_images_of_one_person_count_as_fewer():
    gained = np.repeat([1.0, 0.0, -1.0, 1.0, 1.0, 0.0], 20)
    people = np.repeat(np.arange(6), 20)
    mean, low, high, p_value = clustered_difference(gained, people, 0.025)
    alone = clustered_difference(gained, np.arange(120), 0.025)
    assert mean == alone[0] == pytest.approx(1 / 3)
    assert low < 0 < alone[1] and p_value > 0.05 > alone[3]


def test_identical_variants_differ_by_nothing_with_an_interval():
    _, low, high, p_value = clustered_difference(np.zeros(20), np.arange(20) // 2, 0.025)
    assert -low == high > 0.05 and p_value == 1


def test_p_values_are_corrected_for_the_number_of_pairs(results):
    results()
    for name, wrong in {"raw": 1, "gaussian_blur": 0, "morphology": 10, "third": 0}.items():
        scores = utility(wrong)
        scores["predictions"] *= 5
        scores["predictions_anonymized"] *= 5
        utility_file(name).write_text(json.dumps(scores))
    privacy = utility_file("raw").parents[1] / "privacy"
    (privacy / "third.json").write_text((privacy / "morphology.json").read_text())
    table = pairwise_table(["raw", "gaussian_blur", "morphology", "third"]).set_index(["variant", "compared_with"])
    assert table.loc[("gaussian_blur", "third"), "accuracy_p"] == 1
    assert 0.002 < table.loc[("gaussian_blur", "morphology"), "accuracy_p"] < 0.05  # 2 / 2**10, three times or more
