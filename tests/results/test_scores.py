import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stages.core.errors import PipelineError
from stages.results.scores import (
    accuracy_interval,
    commonest_class,
    correct_predictions,
    exposure,
    privacy_row,
    read_privacy,
    read_utility,
    utility_row,
)
from stages.results.statistics import wilson_interval
from tests.synthetic import privacy, verdicts


def scores(predictions: list[list[int]], labels: list[int], loss: list[float], own: list[list[int]] | None = None):
    return {
        "classes": ["a", "b"],
        "labels": labels,
        "labels_anonymized": labels,
        "predictions": predictions,
        "predictions_anonymized": own or predictions,
        "loss": loss,
        "ece": [one / 2 for one in loss],
        "brier": [2 * one for one in loss],
    }


def test_runs_that_disagree_widen_the_interval_that_one_run_takes_from_its_images():
    correct = np.zeros((1, 100), bool)
    correct[:, :90] = True
    assert accuracy_interval(correct) == wilson_interval(90, 100)
    agreeing, disagreeing = np.repeat(correct, 3, axis=0), np.repeat(correct, 3, axis=0)
    disagreeing[0, :30] = False
    widths = [high - low for low, high in map(accuracy_interval, (agreeing, disagreeing))]
    assert widths[0] == pytest.approx(0.12, abs=0.01)
    assert widths[1] > 0.5


def test_correct_predictions_are_one_row_a_seed():
    expected = [[True, False], [True, True]]
    assert correct_predictions({"labels": [0, 1], "predictions": [[0, 0], [0, 1]]}).tolist() == expected


def test_row_of_one_seed():
    labels = [0] * 5 + [1] * 5
    raw = scores([labels], labels, [0.1])
    row = utility_row(scores([[0] * 8 + [1] * 2], labels, [1.23456], own=[[0] * 6 + [1] * 4]), raw)
    low, high = wilson_interval(7, 10)
    assert {key: value for key, value in row.items() if key not in ("macro_f1_low", "macro_f1_high")} == {
        "accuracy": 0.7,
        "accuracy_ci95": 0.2477,
        "accuracy_drop": 0.3,
        "accuracy_anonymized": 0.9,
        "macro_f1": round((10 / 13 + 4 / 7) / 2, 4),
        "loss": 1.2346,
        "accuracy_low": round(low, 4),
        "accuracy_high": round(high, 4),
        "accuracy_drop_low": -0.0444,
        "accuracy_drop_high": 0.5444,
        "p_value_uncorrected": 0.25,
        "expected_calibration_error": 0.6173,
        "brier_score": 2.4691,
    }


def test_row_of_several_seeds_holds_means_and_standard_deviation():
    labels = [0, 0, 1, 1]
    predictions = [[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    row = utility_row(scores(predictions, labels, [1, 2, 6]), scores([labels] * 3, labels, [0] * 3))
    assert row["accuracy"] == row["accuracy_anonymized"] == 0.75
    assert row["accuracy_std"] == 0.25
    assert row["accuracy_drop"] == 0.25
    assert (row["loss"], row["expected_calibration_error"], row["brier_score"]) == (3, 1.5, 6)
    expected = np.mean([f1_score(labels, one, average="macro", zero_division=0) for one in predictions])
    assert row["macro_f1"] == round(expected, 4)


def test_membership_is_a_mean_over_networks_and_absent_where_it_was_not_measured():
    labels = [0, 1, 1]
    raw = scores([[0, 1, 0]], labels, [0.5])
    assert not [key for key in utility_row(raw, raw) if key.startswith("membership")]
    found = {"placements": [[0.5, 1], [0.25, 0.25]], "auc": {"loss": 0.5, "calibrated": 0.4}}
    row = utility_row(raw | {"membership": found}, raw)
    assert (row["membership_auc"], row["membership_auc_calibrated"]) == (0.5, 0.4)
    assert 0 <= row["membership_low"] < 0.5 < row["membership_high"] <= 1
    assert "membership_tpr_at_fpr1" not in row
    found["tpr_at_fpr1"] = [0.25, 0.75]
    assert utility_row(raw | {"membership": found}, raw)["membership_tpr_at_fpr1"] == 0.5


def test_raw_has_no_drop_and_no_p_value():
    labels = [0, 1, 1]
    raw = scores([[0, 1, 0]], labels, [0.5])
    row = utility_row(raw, raw)
    assert [row[f"accuracy_drop{end}"] for end in ("", "_low", "_high")] == [0, 0, 0]
    assert "p_value_uncorrected" not in row


def test_zero_has_no_sign():
    labels = [0] * 30_000
    raw = scores([[0] * 29_999 + [1]], labels, [0.5])
    row = utility_row(scores([labels], labels, [0.5]), raw)  # a drop of -0.00003
    assert json.dumps(row["accuracy_drop"]) == "0.0"


def test_privacy_row_without_people_or_key_points_leaves_them_out():
    learned = {
        "psnr": [10.0, 20.0],
        "psnr_restored": [12.0, 21.0],
        "ssim_restored": [0.5, 0.7],
        "keypoint_survival": [None, None],
        "unchanged_pixels": [0.0, 0.5],
        "regions": {},
        "findings": {},
    }
    expected = {"reconstruction_psnr_gain": 1.5, "reconstruction_ssim": 0.6, "unchanged_pixels": 0.25}
    assert privacy_row(learned) == expected
    assert privacy_row({**learned, "keypoint_survival": [None, 0.5]}) == {**expected, "keypoint_survival": 0.5}


def identity(**attacks):
    learned = privacy(0)
    learned["identity"]["attacks"] = attacks
    return learned


def test_privacy_row_tells_images_from_people():
    # Of 5 people with 4 images each, 15 images are named: 3 of each person's 4.
    row = privacy_row(identity(informed=verdicts(15), naive=verdicts(0), restored=verdicts(5)))
    assert {key: value for key, value in row.items() if key.startswith(("identity", "people"))} == {
        "identity_accuracy": 0.75,
        "identity_accuracy_naive": 0,
        "identity_accuracy_restored": 0.25,
        "identity_chance": 0.2,
        "people_named": 1,
        "identity_auc": 0,
        "identity_tpr_at_fpr1": 0,
    }


def test_the_strongest_attack_is_the_one_that_names_most_whatever_it_is_called():
    found = exposure(identity(informed=verdicts(4), naive=verdicts(18), restored=verdicts(19)))
    assert (found["strongest_attack"], found["strongest_accuracy"]) == ("restored", 0.95)
    assert found["strongest_high"] > 0.95 and found["identity_high"] < 0.5
    assert found["most_exposed"] == 1


def test_people_named_are_counted_among_those_whom_that_attack_saw():
    seen = {"people": [0, 1, 2, 3], "named": [0, 1, 2, 0]}
    learned = identity(informed=verdicts(4), restored=seen)
    assert (privacy_row(learned)["people_named"], exposure(learned)["people_asked"]) == (0.75, 4)


def test_the_greatest_advantage_counts_whichever_attack_has_it():
    # 85 of 100 images show one person: always naming that one names most images, and knows nobody.
    people = np.repeat([0, 1], [85, 15])
    skilled = np.where(np.arange(100) % 5 == 0, 1 - people, people)
    informed, naive = ({"people": people.tolist(), "named": named.tolist()} for named in (0 * people, skilled))
    found = exposure(identity(informed=informed, naive=naive))
    assert found["strongest_attack"] == "informed" and found["strongest_advantage_high"] > 0.5


def test_an_attack_that_needs_the_secret_is_shown_and_never_counted():
    learned = identity(informed=verdicts(4), noise_known=verdicts(20))
    assert privacy_row(learned)["identity_accuracy_noise_known"] == 1
    assert privacy_row(learned)["people_named"] == 0
    assert exposure(learned)["strongest_attack"] == "informed"


def test_where_nobody_is_known_linkage_alone_counts_and_without_it_nothing():
    learned = exposure(privacy(None))
    assert (learned["strongest_attack"], learned["strongest_accuracy"]) == ("linkage", 0.5)
    low, high = wilson_interval(10, 20)
    assert (learned["strongest_low"], learned["strongest_high"]) == (low, high)
    assert learned["strongest_advantage_high"] == pytest.approx((high - 0.05) / 0.95)
    assert not any(key.startswith(("identity", "people", "region")) for key in learned)
    assert exposure(privacy(None) | {"findings": {}}) == {}


def test_always_answering_the_commonest_class_is_right_as_often_as_it_comes():
    assert commonest_class({"labels": [0, 1, 1, 2]}) == 0.5


@pytest.mark.parametrize(("read", "kind"), [(read_utility, "utility"), (read_privacy, "privacy")])
def test_scores_are_read_by_data_set(tmp_path, monkeypatch, read, kind):
    monkeypatch.chdir(tmp_path)
    Path(f"data/scores/{kind}").mkdir(parents=True)
    Path(f"data/scores/{kind}/raw.json").write_text('{"é": 1}', encoding="utf-8")
    assert read("raw") == {"é": 1}
    with pytest.raises(PipelineError, match=rf"`data/scores/{kind}/other.json` is missing; run `dvc repro`"):
        read("other")
