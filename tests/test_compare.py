"""Compare puts all data sets side by side: what it writes, from which scores."""

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from stages.compare import compare, comparison_table
from stages.core.params import load_params
from stages.results.columns import METRIC_KEYS
from stages.results.gallery import pictured_datasets
from stages.results.scores import Utility, privacy_file, utility_file
from stages.results.utility import corrected_p_values, utility_row
from tests.clones import set_param
from tests.synthetic import LABELS, WRONG, change, privacy, utility


def written(folder: Path = Path()) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "metrics").glob("*.*")}


def test_csv_has_a_row_for_each_data_set_and_a_column_for_each_class(compared):
    with (compared / "metrics/comparison.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["dataset"] for row in rows] == list(WRONG)
    raw = Utility(**utility(WRONG["raw"]))
    for row in rows:
        wrong = WRONG[row["dataset"]]
        expected = utility_row(raw if row["dataset"] == "raw" else Utility(**utility(wrong)), raw)
        assert {key: float(row[key]) for key in expected} == expected
        assert (float(row["class boat"]), float(row["class car"])) == ((10 - wrong) / 10, 1)


def test_order_is_that_of_the_params_and_several_seeds_give_means_of_each_class(results):
    results({"datasets": ["morphology", "raw"]})
    predictions = [[0] * 20, [1] * 20, LABELS, LABELS]
    change(utility_file("raw"), predictions=predictions, predictions_anonymized=predictions)
    table = comparison_table(load_params().datasets, load_params().compare)[0].set_index("dataset")
    assert list(table.index) == ["morphology", "raw"]
    assert table.loc["raw", ["class boat", "class car", "accuracy"]].tolist() == [0.75, 0.75, 0.75]


@pytest.mark.parametrize(
    ("source", "show", "pictured"),
    [
        ("data/sample/drawn", "auto", ["raw", "gaussian_blur", "morphology"]),
        ("data/sample/drawn", "none", []),
        ("photos", "auto", ["morphology"]),
        ("photos", "anonymized", ["gaussian_blur", "morphology"]),
        ("photos", "all", ["raw", "gaussian_blur", "morphology"]),
        ("/data/sample/drawn", "auto", ["morphology"]),
        ("data/sample/drawn2", "auto", ["morphology"]),
        ("../data/sample/drawn", "auto", ["morphology"]),
    ],
)
def test_of_real_people_only_what_protects_is_pictured_unless_asked_for(workspace, source, show, pictured):
    workspace({"data.source": source, "compare.show_images": show, "datasets": list(WRONG)})
    assert pictured_datasets(load_params(), ["morphology"]) == pictured


def test_dvc_gets_a_flat_row_of_each_data_set_with_the_same_keys(compared):
    rows = {name: json.loads((compared / f"metrics/m/{name}.json").read_text()) for name in WRONG}
    promised = [key for key in METRIC_KEYS if key != "recommended"]
    assert list(rows["gaussian_blur"]) == list(rows["morphology"]) == promised  # undecided
    assert list(rows["raw"]) == [key for key in promised if key != "accuracy_drop"]
    table = pd.read_csv(compared / "metrics/comparison.csv", index_col="dataset")
    assert rows["morphology"] == {key: table.loc["morphology", key] for key in rows["morphology"]}


def test_p_values_are_corrected_for_the_number_of_variants_and_never_zero(results):
    results()
    for dataset, wrong in WRONG.items():
        change(utility_file(dataset), predictions=utility(wrong)["predictions"] * 5)
        change(utility_file(dataset), predictions_anonymized=[LABELS] * 5)
    table = comparison_table(list(WRONG), load_params().compare)[0].set_index("dataset")
    blur, morphology = table.loc[["gaussian_blur", "morphology"], "p_value_raw_uncorrected"]
    assert table["p_value_raw"].dropna().to_dict() == {
        "gaussian_blur": pytest.approx(max(blur, 2 * morphology), abs=1e-4),
        "morphology": pytest.approx(2 * morphology, abs=1e-4),
    }
    assert corrected_p_values(pd.Series([1e-9, float("nan")])).tolist()[0] == 0.0001
    assert corrected_p_values(pd.Series([0.04, 0.001, 0.03, 0.9])).tolist() == [0.09, 0.004, 0.09, 0.9]
    assert corrected_p_values(pd.Series([], dtype=object)).empty


def test_what_was_not_measured_is_absent_and_where_nobody_is_known_nothing_is_called_named(results):
    results(people=False)
    learned = privacy(None)
    learned["measured"]["keypoint_survival"] = [None]
    change(privacy_file("morphology"), **learned)
    compare()
    row = json.loads(Path("metrics/m/morphology.json").read_text())
    assert row["linked"] == 0.5
    assert set(pd.read_csv("metrics/frontier.csv")["exposed_by"]) == {"linkage"}
    keys = [*row, *(key for key in pd.read_csv("metrics/comparison.csv") if "keypoint" not in key)]
    assert not [key for key in keys if any(part in key for part in ("identity", "people", "named", "keypoint"))]
    for file in ("comparison.md", "comparison.tex"):
        text = Path("metrics", file).read_text().lower()
        assert "named" not in text and "nan" not in text
    page = Path("metrics/report.html").read_text(encoding="utf-8")
    assert "was not measured" in page
    assert not [words for words in ("people are few", "named by", "names the right") if words in page]


def test_a_second_run_gives_the_same_files_and_old_data_sets_leave_nothing_that_dvc_would_miss(results, compared):
    folder = results()
    for part in ("scores/utility", "scores/privacy", "scores/history", "gallery", "restored"):
        for old in (folder / "data" / part).glob("morphology*"):
            (shutil.copytree if old.is_dir() else shutil.copyfile)(old, old.with_name(f"old{old.suffix}"))
    compare()
    assert written() == written(compared)
    assert set(written()) == {
        *(f"comparison.{form}" for form in ("csv", "md", "tex", "xlsx")),
        *(f"frontier.{form}" for form in ("csv", "pdf", "png", "svg")),
        *(f"{name}.csv" for name in ("confusions", "curves", "groups", "pairwise")),
        *("certificate.json", "gallery.png", "ingest.json", "report.html"),
    }
    assert not list((folder / "data").rglob("old*"))
    set_param(folder, "datasets", ["raw", "gaussian_blur"])
    compare()
    assert not list(folder.rglob("*morphology*"))
