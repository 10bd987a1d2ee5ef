import json
from pathlib import Path

import pytest

from stages.core.scores import privacy_row, utility_row
from stages.score import score

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
}


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
def test_row_is_flat_and_joins_utility_and_privacy(scores, capsys, dataset):
    score(dataset)
    row = row_of(dataset)
    assert row == utility_row(UTILITY[dataset], UTILITY["raw"]) | privacy_row(PRIVACY)
    assert all(isinstance(value, float) and value == round(value, 4) for value in row.values())
    assert capsys.readouterr().out == f"score: {len(row)} metrics of {dataset} into metrics/{dataset}.json\n"


def test_variant_is_compared_with_raw(scores):
    score("blur")
    row = row_of("blur")
    assert (row["accuracy"], row["accuracy_drop"], row["accuracy_anonymized"]) == (0.75, 0.25, 0.5)


def test_all_rows_have_the_same_keys_in_the_same_order(scores):
    score("raw")
    score("blur")
    assert list(row_of("raw")) == list(row_of("blur"))
