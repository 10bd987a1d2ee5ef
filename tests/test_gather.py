"""Finished experiments become one frontier, of results that can be compared."""

import re
from pathlib import Path

import pandas as pd
import pytest

from stages.core.errors import PipelineError
from stages.gather import Result, gather, sweep_table
from tests.clones import run

# Stands for the pipeline: accuracy falls with the strength, and so does what an attacker finds.
STAGE = """
import pathlib, yaml
params = yaml.safe_load(open("params.yaml"))
sigma, epochs = params["variants"]["gaussian_blur"]["sigma"], params["train"]["epochs"]
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path("metrics/comparison.csv").write_text(
    "dataset,accuracy,named,accuracy_low,accuracy_high,strongest_low,strongest_high,strongest_chance,"
    "accuracy_anonymized,accuracy_anonymized_low,accuracy_anonymized_high,verdict\\n"
    f"raw,{0.5 + epochs / 100},0.9,0.4,1,0.8,1,0.1,0.5,0.4,0.6,\\n"
    f"gaussian_blur,{0.9 - sigma / 100},{0.8 - sigma / 100},0.4,1,0.1,0.9,0.1,0.5,0.4,0.6,refused\\n"
)
"""
PIPELINE = """
stages:
  anonymize:
    cmd: mkdir -p data && cp params.yaml data/blur
    params: [variants]
    outs: [data/blur]
  compare:
    cmd: python stage.py
    deps: [data/blur, code, stage.py]
    params: [train]
    outs: [metrics/comparison.csv: {cache: false}]
"""


def result(experiment: str, sigma: float, accuracy: float, raw: float = 0.9, named: float | None = None) -> Result:
    rows = [("raw", raw, 0.95), ("blur", accuracy, named or accuracy - 0.1), ("mask", 0.2, 0.1)]
    table = pd.DataFrame(rows, columns=["dataset", "accuracy", "named"])
    return Result(experiment, table, {"blur": {"method": "gaussian_blur", "sigma": sigma}, "mask": {"method": "mask"}})


def test_rows_are_named_by_what_sets_them_apart_and_come_once():
    table, left_out = sweep_table([result("workspace", 7, 0.5), result("one", 2, 0.8), result("two", 7, 0.5)])
    assert table["dataset"].tolist() == ["raw", "blur sigma=7", "mask", "blur sigma=2"]
    assert table["experiment"].tolist() == ["workspace", "workspace", "workspace", "one"]
    assert left_out == []


def test_p_values_are_corrected_for_all_variants_of_the_sweep():
    results = [result("workspace", 7, 0.5), result("one", 2, 0.8)]
    for (_, table, _), blur, corrected in zip(results, (0.02, 0.01), (0.02, 0.03), strict=True):
        table["p_value_raw_uncorrected"], table["p_value_raw"] = [None, blur, 0.02], [None, corrected, corrected]
    table, _ = sweep_table(results)
    assert table["dataset"].tolist() == ["raw", "blur sigma=7", "mask", "blur sigma=2"]
    assert table["p_value_raw"].tolist()[1:] == pytest.approx([0.04, 0.04, 0.03])


def test_other_data_or_training_is_left_out_and_an_attack_that_others_did_not_run_is_neither():
    noisy, longer = result("noisy", 2, 0.5), result("longer", 2, 0.8, raw=0.95)
    noisy.table["identity_accuracy_noise_guessed"] = [None, 0.4, None]
    table, left_out = sweep_table([result("workspace", 7, 0.5), noisy, longer])
    assert left_out == ["longer"]
    assert set(table["experiment"]) == {"workspace", "noisy"}


def test_finished_experiments_are_gathered_with_results_of_their_own_params_in_a_subfolder_too(
    workspace, capsys, monkeypatch
):
    folder = workspace({"train.epochs": 5}) / "pipeline"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("../params.yaml").rename("params.yaml")
    Path("stage.py").write_text(STAGE)
    Path("dvc.yaml").write_text(PIPELINE)
    Path("code").mkdir()
    for file in ("code/some.py", "code/README.md"):
        Path(file).write_text("")
    with pytest.raises(PipelineError, match="NotDvcRepoError"):
        gather()
    Path("ignored").write_text("code/README.md\n")
    run(folder, "git", "init", "-q", "..")
    for command in (
        "dvc init -q --subdir",
        "cp ignored .dvcignore",
        "dvc repro -q",
        "git add -A",
        "git commit -qm first",
    ):
        run(folder, *command.split())
    with pytest.raises(PipelineError, match="there must be finished experiments of HEAD"):
        gather()
    blur = "-S variants.gaussian_blur.sigma"
    for option in (f"-n mild {blur}=2", f"-n part {blur}=4 anonymize"):
        run(folder, "dvc", "exp", "run", "-q", *option.split())
        run(folder, "git", "checkout", "-q", ".")
    gather()
    table = pd.read_csv("metrics/sweep.csv").set_index("dataset")["accuracy"].round(4)
    assert table.to_dict() == {"raw": 0.55, "gaussian_blur sigma=7": 0.83, "gaussian_blur sigma=2": 0.88}
    assert Path("metrics/sweep.png").read_bytes().startswith(b"\x89PNG")
    assert "| `gaussian_blur sigma=2` | 88.0 % (40.0 to 100.0) |" in Path("metrics/sweep.md").read_text()
    left_out = re.findall("left out (\\w+): its table was made with other (.*)", capsys.readouterr().out)
    assert left_out == [("part", "data/blur")]
    for file, change in (("params.yaml", ("sigma: 7", "sigma: 8")), ("metrics/comparison.csv", ("0.83", "0.84"))):
        content = Path(file).read_text()
        Path(file).write_text(content.replace(*change))
        gather()
        assert "left out workspace: " in capsys.readouterr().out
        assert set(pd.read_csv("metrics/sweep.csv")["experiment"]) == {"HEAD", "mild"}
        Path(file).write_text(content)
