"""The metrics of predictions, on numbers known by heart."""

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stages.results.scores import Utility
from stages.results.statistics import wilson_interval
from stages.results.utility import accuracy_interval, utility_row


def scores(predictions, labels, loss, own=None, **more):
    content = {
        "classes": ["a", "b"],
        "paths": [],
        "labels": labels,
        "labels_anonymized": labels,
        "predictions": predictions,
        "predictions_anonymized": own or predictions,
        "loss": loss,
        "ece": [value / 2 for value in loss],
        "brier": [2 * value for value in loss],
    }
    return Utility(**content | more)


def test_runs_that_disagree_widen_the_interval_that_one_run_takes_from_its_images():
    correct = np.zeros((1, 100), bool)
    correct[:, :90] = True
    assert accuracy_interval(correct) == wilson_interval(90, 100)
    agreeing, disagreeing = np.repeat(correct, 3, axis=0), np.repeat(correct, 3, axis=0)
    disagreeing[0, :30] = False
    widths = [high - low for low, high in map(accuracy_interval, (agreeing, disagreeing))]
    assert widths[0] == pytest.approx(0.12, abs=0.01)
    assert widths[1] > 0.5


def test_row_of_one_seed():
    labels = [0] * 5 + [1] * 5
    raw = scores([labels], labels, [0.1])
    row = utility_row(scores([[0] * 8 + [1] * 2], labels, [1.23456], own=[[0] * 6 + [1] * 4]), raw)
    low, high = wilson_interval(7, 10)
    drop = {key: row.pop(key) for key in list(row) if "drop" in key}
    assert row == {
        "accuracy": 0.7,
        "accuracy_low": round(low, 4),
        "accuracy_high": round(high, 4),
        "accuracy_anonymized": 0.9,
        "accuracy_anonymized_low": round(wilson_interval(9, 10)[0], 4),
        "accuracy_anonymized_high": round(wilson_interval(9, 10)[1], 4),
        "macro_f1": round((10 / 13 + 4 / 7) / 2, 4),
        "loss": 1.2346,
        "expected_calibration_error": 0.6173,
        "brier_score": 2.4691,
        "commonest_class": 0.5,
        "seeds": 1,
    }
    assert (drop["accuracy_drop_raw"], drop["accuracy_drop_anonymized"], drop["accuracy_drop"]) == (0.3, 0.1, 0.3)
    ends = [drop[f"accuracy_drop_raw_{end}"] for end in ("low", "least", "most", "high")]
    assert ends == sorted(ends) and (ends[0], ends[-1]) == (-0.0444, 0.5444)


def test_row_of_several_seeds_holds_means_and_standard_deviation():
    labels = [0, 0, 1, 1]
    predictions = [[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    row = utility_row(scores(predictions, labels, [1, 2, 6]), scores([labels] * 3, labels, [0] * 3))
    assert row["accuracy"] == row["accuracy_anonymized"] == 0.75
    assert row["accuracy_std"] == 0.25
    assert row["accuracy_drop"] == 0.25
    assert (row["loss"], row["expected_calibration_error"], row["brier_score"]) == (3, 1.5, 6)
    expected = np.mean([f1_score(labels, value, average="macro", zero_division=0) for value in predictions])
    assert row["macro_f1"] == round(expected, 4)


def test_membership_is_a_mean_over_networks_and_absent_where_it_was_not_measured():
    labels = [0, 1, 1]
    raw = scores([[0, 1, 0]], labels, [0.5])
    assert not [key for key in utility_row(raw, raw) if key.startswith("membership")]
    found = {"placements": [[0.5, 1], [0.25, 0.25]], "auc": {"loss": 0.5, "calibrated": 0.4}}
    row = utility_row(scores([[0, 1, 0]], labels, [0.5], membership=found), raw)
    assert (row["membership_auc"], row["membership_auc_calibrated"]) == (0.5, 0.4)
    assert 0 <= row["membership_low"] < 0.5 < row["membership_high"] <= 1
    assert "membership_tpr_at_fpr1" not in row
    found["tpr_at_fpr1"] = [0.25, 0.75]
    assert utility_row(scores([[0, 1, 0]], labels, [0.5], membership=found), raw)["membership_tpr_at_fpr1"] == 0.5


def test_p_values_come_from_five_seeds_on_and_raw_has_neither_drop_nor_p():
    labels = [0, 1, 1, 0]
    raw = scores([labels] * 5, labels, [0.5])
    assert not [key for key in utility_row(raw, raw) if "drop" in key or "p_value" in key]
    worse = [[1, 0, 1, 0]] * 5
    assert utility_row(scores(worse, labels, [0.5]), raw)["p_value_raw_uncorrected"] >= 0.5  # two images lost
    few = scores([labels] * 4, labels, [0.5])
    assert not [key for key in utility_row(scores(worse[:4], labels, [0.5]), few) if "p_value" in key]


def test_the_probe_tells_what_is_left_and_what_is_lost():
    labels = [0, 0, 1, 1]

    def probed(predictions, own):
        return {
            "labels": labels,
            "labels_anonymized": labels,
            "predictions": predictions,
            "predictions_anonymized": own,
        }

    row = utility_row(
        scores([labels], labels, [0.0], probe=probed([0, 0, 0, 0], [0, 0, 0, 1])),
        scores([labels], labels, [0.0], probe=probed(labels, labels)),
    )
    assert (row["probe_accuracy"], row["probe_drop"], row["probe_accuracy_anonymized"]) == (0.5, 0.5, 0.75)


def test_zero_has_no_sign():
    labels = [0] * 30_000
    raw = scores([[0] * 29_999 + [1]], labels, [0.5])
    row = utility_row(scores([labels], labels, [0.5]), raw)  # a drop of -0.00003
    assert json.dumps(row["accuracy_drop"]) == "0.0"
