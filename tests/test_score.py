import json
from pathlib import Path

import pytest

from stages.results.scores import privacy_row, utility_row
from stages.score import score
from tests.synthetic import untimed, verdicts

UTILITY = {
    "raw": {"predictions": [[0, 1, 0, 1]], "predictions_anonymized": [[0, 1, 0, 1]], "loss": [0.1]},
    "blur": {"predictions": [[0, 1, 1, 1]], "predictions_anonymized": [[0, 0, 0, 0]], "loss": [0.7]},
}
PRIVACY = {
    "psnr": [20.0],
    "psnr_restored": [21.5],
    "ssim_restored": [0.5],
    "keypoint_survival": [0.25],
    "unchanged_pixels": [0.125],
    "identity": {"attacks": {"informed": verdicts(4), "naive": verdicts(0), "restored": verdicts(4)}, "chance": 0.25},
}
PROMISED = [
    "accuracy",
    "accuracy_ci95",
    "accuracy_drop",
    "p_value",
    "accuracy_anonymized",
    "macro_f1",
    "loss",
    "identity_accuracy",
    "identity_accuracy_naive",
    "identity_chance",
    "people_named",
    "reconstruction_psnr_gain",
    "reconstruction_ssim",
    "keypoint_survival",
]


@pytest.fixture
def scores(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dataset, scores in UTILITY.items():
        scores |= {"classes": ["a", "b"], "labels": [0, 1, 0, 1], "labels_anonymized": [0, 1, 0, 1]}
        for kind, content in (("utility", scores), ("privacy", PRIVACY)):
            file = tmp_path / "data" / "scores" / kind / f"{dataset}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content))


def row_of(dataset: str) -> dict:
    return json.loads(Path(f"metrics/{dataset}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("dataset", ["raw", "blur"])
def test_row_holds_just_the_promised_metrics(scores, capsys, dataset):
    score(dataset)
    row = row_of(dataset)
    known = utility_row(UTILITY[dataset], UTILITY["raw"]) | privacy_row(PRIVACY)
    assert list(row.items()) == [(key, known[key]) for key in PROMISED]
    assert all(isinstance(value, float) and value == round(value, 4) for value in row.values())
    assert untimed(capsys.readouterr().out) == f"score: {len(row)} metrics of {dataset} into metrics/{dataset}.json\n"


def test_variant_is_compared_with_raw(scores):
    score("blur")
    row = row_of("blur")
    assert (row["accuracy"], row["accuracy_drop"], row["accuracy_anonymized"]) == (0.75, 0.25, 0.5)


def test_all_rows_have_the_same_keys_in_the_same_order(scores):
    score("raw")
    score("blur")
    assert list(row_of("raw")) == list(row_of("blur"))


def test_several_seeds_add_the_standard_deviation(scores):
    twice = UTILITY["blur"] | {"predictions": [[0, 1, 1, 1], [0, 1, 0, 1]], "loss": [0.7, 0.1]}
    Path("data/scores/utility/blur.json").write_text(json.dumps(twice))
    score("blur")
    assert sorted(row_of("blur")) == sorted([*PROMISED, "accuracy_std"])


def test_what_was_not_measured_is_absent(scores):
    file = Path("data/scores/privacy/blur.json")
    file.write_text(json.dumps({key: value for key, value in PRIVACY.items() if key != "identity"}))
    score("blur")
    assert list(row_of("blur")) == [key for key in PROMISED if not key.startswith(("identity", "people"))]
