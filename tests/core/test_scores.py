import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from stages.core.scores import (
    accuracy_interval,
    correct_predictions,
    paired_p_value,
    privacy_row,
    read_privacy,
    read_utility,
    utility_row,
    wilson_interval,
)


def scores(predictions: list[list[int]], labels: list[int], loss: list[float], own: list[list[int]] | None = None):
    return {
        "classes": ["a", "b"],
        "labels": labels,
        "labels_anonymized": labels,
        "predictions": predictions,
        "predictions_anonymized": own or predictions,
        "loss": loss,
    }


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_is_as_published(successes, trials, low, high):
    # Newcombe: Two-sided confidence intervals for the single proportion. Statistics in Medicine 17, 1998, table I.
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("trials", [1, 7, 400])
def test_wilson_interval_mirrors_and_stays_a_share(trials):
    for successes in range(0, trials + 1, max(1, trials // 7)):
        low, high = wilson_interval(successes, trials)
        assert -1e-12 <= low <= successes / trials <= high <= 1 + 1e-12
        assert wilson_interval(trials - successes, trials) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("worse", "better"), [(0, 1), (3, 9), (10, 0), (5, 5), (40, 60), (150, 250)])
def test_one_seed_gives_mcnemars_exact_test(worse, better):
    reference = np.array([[True] * worse + [False] * better + [True] * 20 + [False] * 20])
    correct = np.array([[False] * worse + [True] * better + [True] * 20 + [False] * 20])
    expected = binomtest(worse, worse + better).pvalue
    assert paired_p_value(correct, reference) == pytest.approx(expected)
    assert paired_p_value(reference, correct) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(8))
def test_several_seeds_give_the_permutation_test(seed):
    correct, reference = np.random.default_rng(seed).random((2, 3, 10)) < [[[0.6]], [[0.4]]]
    differences = correct.sum(axis=0) - reference.sum(axis=0)
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((-1, 1), repeat=10)]
    assert paired_p_value(correct, reference) == pytest.approx(np.mean(np.array(sums) >= abs(differences.sum())))


@pytest.mark.parametrize("seeds", [1, 3])
def test_same_predictions_are_no_difference(seeds):
    correct = np.random.default_rng(0).random((seeds, 50)) < 0.5
    assert paired_p_value(correct, correct) == 1


def test_p_value_is_small_for_a_large_difference_on_many_images():
    correct = np.zeros((2, 20_000), bool)
    assert 0 <= paired_p_value(correct, ~correct) < 1e-12


def test_interval_is_of_the_images_however_many_seeds():
    correct = np.zeros((1, 100), bool)
    correct[:, :90] = True
    assert accuracy_interval(correct) == accuracy_interval(np.repeat(correct, 5, axis=0)) == wilson_interval(90, 100)


def test_correct_predictions_are_one_row_a_seed():
    expected = [[True, False], [True, True]]
    assert correct_predictions({"labels": [0, 1], "predictions": [[0, 0], [0, 1]]}).tolist() == expected


def test_row_of_one_seed():
    labels = [0] * 5 + [1] * 5
    raw = scores([labels], labels, [0.1])
    row = utility_row(scores([[0] * 8 + [1] * 2], labels, [1.23456], own=[[0] * 6 + [1] * 4]), raw)
    assert row == {
        "accuracy": 0.7,
        "accuracy_ci95": 0.2477,
        "accuracy_drop": 0.3,
        "p_value": 0.25,
        "accuracy_anonymized": 0.9,
        "macro_f1": round((10 / 13 + 4 / 7) / 2, 4),
        "loss": 1.2346,
    }
    low, high = wilson_interval(7, 10)
    assert row["accuracy_ci95"] == round((high - low) / 2, 4)


def test_row_of_several_seeds_holds_means_and_standard_deviation():
    labels = [0, 0, 1, 1]
    predictions = [[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    row = utility_row(scores(predictions, labels, [1, 2, 6]), scores([labels] * 3, labels, [0] * 3))
    assert row["accuracy"] == row["accuracy_anonymized"] == 0.75
    assert row["accuracy_std"] == 0.25
    assert row["accuracy_drop"] == 0.25
    assert row["loss"] == 3
    expected = np.mean([f1_score(labels, one, average="macro", zero_division=0) for one in predictions])
    assert row["macro_f1"] == round(expected, 4)


def test_raw_against_itself_has_no_drop():
    labels = [0, 1, 1]
    raw = scores([[0, 1, 0]], labels, [0.5])
    row = utility_row(raw, raw)
    assert (row["accuracy_drop"], row["p_value"]) == (0, 1)


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
    }
    expected = {"reconstruction_psnr_gain": 1.5, "reconstruction_ssim": 0.6, "unchanged_pixels": 0.25}
    assert privacy_row(learned) == expected
    assert privacy_row({**learned, "keypoint_survival": [None, 0.5]}) == {**expected, "keypoint_survival": 0.5}


def test_privacy_row_names_the_share_of_people():
    learned = {
        "identity": {
            "informed": [True, True, False, False],
            "naive": [False] * 4,
            "restored": [True] * 4,
            "chance": 0.5,
        },
        "psnr": [10.0],
        "psnr_restored": [10.0],
        "ssim_restored": [1.0],
        "keypoint_survival": [1.0],
        "unchanged_pixels": [1.0],
    }
    low, high = wilson_interval(2, 4)
    row = privacy_row(learned)
    assert {key: value for key, value in row.items() if key.startswith("identity")} == {
        "identity_accuracy": 0.5,
        "identity_accuracy_ci95": round((high - low) / 2, 4),
        "identity_accuracy_naive": 0,
        "identity_accuracy_restored": 1,
        "identity_chance": 0.5,
    }


@pytest.mark.parametrize(("read", "kind"), [(read_utility, "utility"), (read_privacy, "privacy")])
def test_scores_are_read_by_data_set(tmp_path, monkeypatch, read, kind):
    monkeypatch.chdir(tmp_path)
    Path(f"data/scores/{kind}").mkdir(parents=True)
    Path(f"data/scores/{kind}/raw.json").write_text('{"é": 1}', encoding="utf-8")
    assert read("raw") == {"é": 1}
