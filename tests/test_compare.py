import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from stages.compare import compare, comparison_table
from stages.core.cells import CELL
from stages.core.images import read_image
from stages.core.params import load_params
from stages.results.columns import METRIC_KEYS
from stages.results.gallery import GAP, LABEL, pictured_datasets
from stages.results.scores import Utility, privacy_file, utility_file
from stages.results.statistics import wilson_interval
from stages.results.utility import corrected_p_values, utility_row
from tests.clones import set_param
from tests.synthetic import LABELS, WRONG, privacy, utility


def rows_of(file: str) -> list[dict[str, str]]:
    with Path(file).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_csv_has_a_row_for_each_data_set_and_a_column_for_each_class(results):
    results()
    compare()
    rows = rows_of("metrics/comparison.csv")
    assert [row["dataset"] for row in rows] == list(WRONG)
    for row in rows:
        wrong = WRONG[row["dataset"]]
        expected = utility_row(Utility(**utility(wrong)), Utility(**utility(1)))
        assert {key: float(row[key]) for key in expected if row["dataset"] != "raw" or "drop" not in key} == {
            key: value for key, value in expected.items() if row["dataset"] != "raw" or "drop" not in key
        }
        assert float(row["class boat"]) == (10 - wrong) / 10
        assert float(row["class car"]) == 1
        low, high = wilson_interval(20 - wrong, 20)
        assert (float(row["accuracy_low"]), float(row["accuracy_high"])) == (round(low, 4), round(high, 4))


def test_order_is_that_of_the_params(results):
    results({"datasets": ["morphology", "raw"]})
    compare()
    assert [row["dataset"] for row in rows_of("metrics/comparison.csv")] == ["morphology", "raw"]


def test_several_seeds_give_means_of_each_class(results):
    results()
    scores = utility(0)
    scores["predictions"] = [[0] * 20, [1] * 20, LABELS, LABELS]
    scores["loss"] = [0, 0, 0, 0]
    Path("data/scores/utility/raw.json").write_text(json.dumps(scores))
    table = comparison_table(["raw"], load_params().compare)[0]
    assert table.loc[0, ["class boat", "class car", "accuracy"]].tolist() == [0.75, 0.75, 0.75]


def test_two_runs_give_the_same_bytes(results):
    results()
    written = []
    for _ in range(2):
        compare()
        written.append({str(file): file.read_bytes() for file in Path("metrics").rglob("*.*")})
    assert written[0] == written[1]
    assert {Path(name).name for name in written[0]} >= {
        "comparison.csv",
        "comparison.xlsx",
        "comparison.md",
        "comparison.tex",
        "confusions.csv",
        "curves.csv",
        "frontier.csv",
        "frontier.pdf",
        "frontier.png",
        "frontier.svg",
        "gallery.png",
        "pairwise.csv",
        "report.html",
    }


@pytest.mark.parametrize(
    ("source", "show", "shown"),
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
def test_of_real_people_only_what_protects_is_shown_unless_asked_for(results, source, show, shown):
    results({"data.source": source, "compare.show_images": show, "compare.max_identity_accuracy": 0.7})
    assert pictured_datasets(load_params(), ["morphology"]) == shown
    compare()
    picture = read_image(Path("metrics/gallery.png"))
    if shown:
        assert picture.shape == (len(shown) * (LABEL + CELL + GAP), CELL + 2 * GAP, 3)
    for number, dataset in enumerate(WRONG):
        found = (picture == 50 * number + 20).all(axis=2).sum()
        assert found >= CELL * CELL if dataset in shown else found < 100  # a label's letters have such greys too


@pytest.mark.parametrize("options", [{"people": False}, {"changes": {"datasets": ["raw"]}}])
def test_real_people_whom_nothing_protects_give_a_white_picture(results, options):
    results(**options)
    set_param(Path(), "data.source", "photos")
    compare()
    assert (read_image(Path("metrics/gallery.png")) == 255).all()


def test_dvc_gets_a_flat_row_of_each_data_set_with_the_same_keys(results):
    results()
    compare()
    rows = {name: json.loads(Path(f"metrics/m/{name}.json").read_text()) for name in WRONG}
    promised = [key for key in METRIC_KEYS if key not in ("probe_accuracy", "recommended")]
    assert list(rows["gaussian_blur"]) == list(rows["morphology"]) == promised  # undecided
    assert list(rows["raw"]) == [key for key in promised if key != "accuracy_drop"]
    table = comparison_table(list(WRONG), load_params().compare)[0].set_index("dataset")
    assert rows["morphology"] == {key: table.loc["morphology", key] for key in rows["morphology"]}


def test_p_values_are_corrected_for_the_number_of_variants_and_never_zero(results):
    results()
    for dataset, wrong in WRONG.items():
        scores = utility(wrong)
        scores["predictions"] *= 5
        utility_file(dataset).write_text(json.dumps(scores))
    table = comparison_table(list(WRONG), load_params().compare)[0].set_index("dataset")
    one, other = table.loc[["gaussian_blur", "morphology"], "p_value_uncorrected"]
    assert table["p_value"].dropna().to_dict() == {
        "gaussian_blur": pytest.approx(max(one, 2 * other), abs=1e-4),
        "morphology": pytest.approx(2 * other, abs=1e-4),
    }
    assert corrected_p_values(pd.Series([1e-9, float("nan")])).tolist()[0] == 0.0001


def test_where_nobody_is_known_nothing_is_called_named(results):
    results(people=False)
    compare()
    shown = json.loads(Path("metrics/m/gaussian_blur.json").read_text())
    assert shown["linked"] == 0.5 and not {"named", "people_named"} & set(shown)
    assert set(pd.read_csv("metrics/frontier.csv")["exposed_by"]) == {"linkage"}
    for file in ("comparison.md", "comparison.tex"):
        assert "named" not in Path("metrics", file).read_text()


def test_what_was_not_measured_is_absent(results):
    results(people=False)
    privacy_file("morphology").write_text(json.dumps(privacy(None) | {"keypoint_survival": [None]}))
    compare()
    row = json.loads(Path("metrics/m/morphology.json").read_text())
    keys = [*row, *(key for key in rows_of("metrics/comparison.csv")[0] if "keypoint" not in key)]
    assert not [key for key in keys if "identity" in key or "people" in key or "keypoint" in key]
    assert "linked" in row
    assert "nan" not in Path("metrics/comparison.md").read_text().lower()


def test_a_data_set_that_is_no_longer_compared_is_passed_over_and_its_files_stay(results):
    folder = results()
    compare()
    written = {file.name: file.read_bytes() for file in Path("metrics").glob("*.*")}
    for part in ("scores/utility", "scores/privacy", "scores/history", "gallery", "restored"):
        for old in (folder / "data" / part).glob("morphology*"):
            (shutil.copytree if old.is_dir() else shutil.copyfile)(old, old.with_name(f"old{old.suffix}"))
    compare()
    assert {file.name: file.read_bytes() for file in Path("metrics").glob("*.*")} == written
    assert len(list((folder / "data").rglob("old*"))) == 5
    set_param(folder, "datasets", ["raw", "gaussian_blur"])
    compare()
    assert not list((folder / "metrics").rglob("*morphology*"))
