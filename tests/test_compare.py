import csv
import io
import json
import time
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from stages.compare import compare, comparison_table, learning_curves, shown_datasets, to_markdown, to_xlsx
from stages.core.gallery import CELL, GAP, LABEL
from stages.core.images import read_image, write_image
from stages.core.params import load_params
from stages.core.scores import utility_row, wilson_interval

CLASSES = ["boat", "car"]
LABELS = [0] * 10 + [1] * 10
WRONG = {"raw": 1, "gaussian_blur": 4, "morphology": 8}  # of the boats
NAMED = {"raw": 20, "gaussian_blur": 12, "morphology": 4}  # of 20 people
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def utility(wrong: int) -> dict:
    predictions = [1] * wrong + [0] * (10 - wrong) + [1] * 10
    return {
        "classes": CLASSES,
        "labels": LABELS,
        "labels_anonymized": LABELS,
        "predictions": [predictions],
        "predictions_anonymized": [LABELS],
        "loss": [wrong / 10],
    }


def privacy(named: int | None) -> dict:
    learned = {
        "psnr": [20.0],
        "psnr_restored": [22.0],
        "ssim_restored": [0.5],
        "keypoint_survival": [0.25],
        "unchanged_pixels": [0.1],
    }
    if named is not None:
        informed = [True] * named + [False] * (20 - named)
        learned["identity"] = {"informed": informed, "naive": [False] * 20, "restored": informed, "chance": 0.125}
    return learned


@pytest.fixture
def results(workspace):
    """The function that makes what `compare` reads."""

    def make(changes: dict | None = None, people: bool = True, histories: dict | None = None) -> Path:
        folder = workspace({"datasets": list(WRONG), **(changes or {})})
        for number, dataset in enumerate(WRONG):
            for kind, content in (
                ("utility", utility(WRONG[dataset])),
                ("privacy", privacy(NAMED[dataset] if people else None)),
            ):
                file = folder / "data" / "scores" / kind / f"{dataset}.json"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(content))
            history = folder / "metrics" / "history" / f"{dataset}.csv"
            history.parent.mkdir(parents=True, exist_ok=True)
            history.write_text((histories or {}).get(dataset, "seed,epoch,accuracy,loss\n0,1,0.5,2\n0,2,0.75,1\n"))
            cell = np.full((CELL, CELL, 3), 50 * number + 20, np.uint8)
            write_image(folder / "data" / "gallery" / dataset / "00.png", cell)
        return folder

    return make


def rows_of(file: str) -> list[dict[str, str]]:
    with Path(file).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def cells_of(workbook: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        texts = ["".join(item.itertext()) for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    table = []
    for row in sheet.iter(f"{SHEET}row"):
        cells = []
        for cell in row.iter(f"{SHEET}c"):
            assert cell.find(f"{SHEET}f") is None, "a formula"
            value = cell.findtext(f"{SHEET}v", default="")
            cells.append(texts[int(value)] if cell.get("t") == "s" else value)
        table.append(cells)
    return table


def test_csv_has_a_row_for_each_data_set_and_a_column_for_each_class(results):
    results()
    compare()
    rows = rows_of("metrics/comparison.csv")
    assert [row["dataset"] for row in rows] == list(WRONG)
    for row in rows:
        wrong = WRONG[row["dataset"]]
        expected = utility_row(utility(wrong), utility(1))
        assert {key: float(row[key]) for key in expected} == expected
        assert float(row["class boat"]) == (10 - wrong) / 10
        assert float(row["class car"]) == 1
        low, high = wilson_interval(20 - wrong, 20)
        assert (float(row["accuracy_low"]), float(row["accuracy_high"])) == (round(low, 4), round(high, 4))


def test_order_is_that_of_the_params(results):
    results({"datasets": ["morphology", "raw"]})
    assert comparison_table(["morphology", "raw"])["dataset"].tolist() == ["morphology", "raw"]
    compare()
    assert [row["dataset"] for row in rows_of("metrics/comparison.csv")] == ["morphology", "raw"]


def test_several_seeds_give_means_of_each_class(results):
    results()
    scores = utility(0)
    scores["predictions"] = [[0] * 20, [1] * 20, LABELS, LABELS]
    scores["loss"] = [0, 0, 0, 0]
    Path("data/scores/utility/raw.json").write_text(json.dumps(scores))
    table = comparison_table(["raw"])
    assert table.loc[0, ["class boat", "class car", "accuracy"]].tolist() == [0.75, 0.75, 0.75]


def test_privacy_is_left_out_where_people_are_unknown(results):
    results(people=False)
    compare()
    assert not [key for key in rows_of("metrics/comparison.csv")[0] if "identity" in key]
    assert "nan" not in Path("metrics/comparison.md").read_text().lower()


def test_workbook_holds_the_same_table(results):
    results()
    compare()
    header, *rows = cells_of(Path("metrics/comparison.xlsx").read_bytes())
    expected = rows_of("metrics/comparison.csv")
    assert header == list(expected[0])
    for row, wanted in zip(rows, expected, strict=True):
        for key, cell in zip(header, row, strict=True):
            if key == "efficient":
                assert bool(int(cell)) == (wanted[key] == "True")
            elif key == "dataset":
                assert cell == wanted[key]
            else:
                assert float(cell) == float(wanted[key])


@pytest.fixture
def time_zone(monkeypatch):
    """The function that moves the clock of this process to a time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def test_workbook_has_no_time_of_its_making(results, time_zone):
    results()
    table = comparison_table(list(WRONG))
    first = to_xlsx(table)
    time_zone("Pacific/Kiritimati")
    assert to_xlsx(table) == first
    time_zone("Pacific/Pago_Pago")
    assert to_xlsx(table) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")


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
        "curves.csv",
        "frontier.png",
        "gallery.png",
    }


def test_markdown_has_a_row_for_each_data_set(results):
    results()
    lines = to_markdown(comparison_table(list(WRONG))).splitlines()
    assert len(lines) == 2 + len(WRONG)
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| `raw` | 0.950 ± ")


def test_curves_are_means_over_seeds(results):
    text = "seed,epoch,accuracy,loss,val_accuracy,val_loss\n0,1,0.5,2,0.1,4\n1,1,0.7,1,0.3,2\n1,2,0.9,0.5,0.4,1\n"
    results(histories={"raw": text})
    compare()
    rows = [tuple(row.values()) for row in rows_of("metrics/curves.csv") if row["dataset"] == "raw"]
    assert rows == [
        ("raw", "training", "1", "1.5", "0.6"),
        ("raw", "training", "2", "0.5", "0.9"),
        ("raw", "validation", "1", "3.0", "0.2"),
        ("raw", "validation", "2", "1.0", "0.4"),
    ]


def test_curves_without_validation_are_those_of_training(results):
    results()
    curves = learning_curves(list(WRONG))
    assert set(curves["images"]) == {"training"}
    assert len(curves) == 2 * len(WRONG)


@pytest.mark.parametrize(
    ("source", "show_raw", "shown"),
    [
        ("data/sample", None, True),
        ("data/sample", False, False),
        ("photos", None, False),
        ("photos", True, True),
        ("/data/sample", None, False),
        ("data/sample2", None, False),
        ("../data/sample", None, False),
    ],
)
def test_raw_images_of_real_people_are_shown_on_request_alone(results, source, show_raw, shown):
    results({"data.source": source, "compare.show_raw": show_raw})
    assert ("raw" in shown_datasets(load_params())) is shown
    compare()
    picture = read_image(Path("metrics/gallery.png"))
    rows = 3 if shown else 2
    assert picture.shape == (rows * (LABEL + CELL + GAP), CELL + 2 * GAP, 3)
    assert (picture == 20).all(axis=2).sum() == (CELL * CELL if shown else 0)


def test_raw_alone_of_real_people_gives_a_white_picture(results):
    results({"data.source": "photos", "datasets": ["raw"]})
    compare()
    assert (read_image(Path("metrics/gallery.png")) == 255).all()
    assert len(rows_of("metrics/comparison.csv")) == 1
