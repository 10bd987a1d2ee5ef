"""Finished experiments become one frontier, of results that can be compared."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from stages.core.errors import PipelineError
from stages.gather import Result, gather, sweep_table

# Stands for the pipeline: accuracy falls with the strength, and so does what an attacker finds.
STAGE = """
import pathlib, yaml
params = yaml.safe_load(open("params.yaml"))
sigma, epochs = params["variants"]["gaussian_blur"]["sigma"], params["train"]["epochs"]
intervals = "0.1,0.5,0.9,0.1,0.9"
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path("metrics/comparison.csv").write_text(
    "dataset,accuracy,strongest_accuracy,accuracy_ci95,accuracy_low,accuracy_high,strongest_low,strongest_high,"
    "identity_chance,identity_accuracy\\n"
    f"raw,{0.5 + epochs / 100},0.9,0.1,0.4,1,0.8,1,0.1,1\\n"
    f"gaussian_blur,{0.9 - sigma / 100},{0.8 - sigma / 100},0.1,0.4,1,0.1,0.9,0.1,1\\n"
)
"""
PIPELINE = """
stages:
  compare:
    cmd: python stage.py
    deps: [stage.py]
    params: [variants, train]
    outs: [metrics/comparison.csv: {cache: false}]
"""


def result(experiment: str, sigma: float, accuracy: float, raw: float = 0.9) -> Result:
    rows = [("raw", False, raw, 0.95), ("blur", True, accuracy, accuracy - 0.1), ("mask", False, 0.2, 0.1)]
    table = pd.DataFrame(rows, columns=["dataset", "efficient", "accuracy", "strongest_accuracy"])
    table["identity_accuracy"] = table["strongest_accuracy"]
    return Result(experiment, table, {"blur": {"method": "gaussian_blur", "sigma": sigma}, "mask": {"method": "mask"}})


def test_rows_are_named_by_what_sets_them_apart_and_come_once():
    table, left_out = sweep_table([result("workspace", 7, 0.5), result("one", 2, 0.8), result("two", 7, 0.5)])
    assert table["dataset"].tolist() == ["raw", "blur sigma=7", "mask", "blur sigma=2"]
    assert table["experiment"].tolist() == ["workspace", "workspace", "workspace", "one"]
    assert left_out == []


def test_an_attack_that_only_one_experiment_ran_does_not_make_it_another_experiment():
    noisy = result("noisy", 7, 0.5)
    noisy.table["identity_accuracy_noise_guessed"] = [None, 0.4, None]
    assert sweep_table([result("workspace", 2, 0.5), noisy])[1] == []


def test_the_frontier_is_of_all_rows():
    table, _ = sweep_table([result("workspace", 7, 0.5), result("one", 4, 0.55), result("two", 30, 0.15)])
    assert table.set_index("dataset")["efficient"].to_dict() == {
        "raw": False,
        "blur sigma=7": True,
        "blur sigma=4": True,
        "mask": True,
        "blur sigma=30": True,
    }
    worse = result("three", 40, 0.15)
    worse.table.loc[1, "strongest_accuracy"] = 0.9
    table, _ = sweep_table([result("workspace", 7, 0.5), worse])
    assert not table.set_index("dataset").loc["blur sigma=40", "efficient"]


def test_other_data_or_training_is_left_out():
    table, left_out = sweep_table([result("workspace", 7, 0.5), result("longer", 2, 0.8, raw=0.95)])
    assert left_out == ["longer"]
    assert set(table["experiment"]) == {"workspace"}


@pytest.fixture
def repository(workspace):
    folder = workspace()

    def run(command: str) -> None:
        subprocess.run(command, shell=True, check=True, cwd=folder, capture_output=True)

    (folder / "stage.py").write_text(STAGE)
    (folder / "dvc.yaml").write_text(PIPELINE)
    run("git init -q && git config user.email a@b.c && git config user.name a && dvc init -q && dvc repro -q")
    run("git add -A && git commit -qm first")
    return run


def test_finished_experiments_are_gathered(repository, capsys):
    repository("dvc exp run -q -n mild -S variants.gaussian_blur.sigma=2")
    repository("dvc exp run -q -n longer -S train.epochs=9 -S variants.gaussian_blur.sigma=7")
    repository("git checkout -q . && git clean -fdq metrics")
    gather()
    table = pd.read_csv("metrics/sweep.csv").set_index("dataset")
    assert table["accuracy"].round(4).to_dict() == {
        "raw": 0.55,
        "gaussian_blur sigma=7": 0.83,
        "gaussian_blur sigma=2": 0.88,
    }
    assert Path("metrics/sweep.png").read_bytes().startswith(b"\x89PNG")
    assert "| `gaussian_blur sigma=2` | 0.880 ± 0.100 |" in Path("metrics/sweep.md").read_text()
    out = capsys.readouterr().out
    assert "left out longer: its row of raw images differs" in out
    assert "3 rows of 2 experiments" in out


def test_without_experiments_or_results_one_line_says_so(repository):
    with pytest.raises(PipelineError, match="there must be finished experiments of HEAD"):
        gather()
    Path("metrics/comparison.csv").unlink()
    with pytest.raises(PipelineError, match="`metrics/comparison.csv` is missing; run `dvc repro` first"):
        gather()
