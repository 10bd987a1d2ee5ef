"""Presets set their params and nothing else."""

from pathlib import Path

import pytest
import yaml

from stages.core.errors import PipelineError
from stages.core.params import load_params
from stages.preset import PRESETS, preset
from tests.clones import ROOT


@pytest.mark.parametrize("name", sorted(file.stem for file in PRESETS.glob("*.yaml")))
def test_a_preset_sets_its_params_and_keeps_comments(name, workspace, capsys):
    (workspace() / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    before = (ROOT / "params.yaml").read_text()
    preset(name)
    after = Path("params.yaml").read_text()
    changed = [(one, other) for one, other in zip(before.splitlines(), after.splitlines(), strict=True) if one != other]
    wanted = yaml.safe_load((PRESETS / f"{name}.yaml").read_text())
    leaves = {f"{key}" for section in wanted.values() for key in section}
    assert {one.split(":")[0].strip() for one, _ in changed} == leaves
    assert all(one.split("#")[1] == other.split("#")[1] for one, other in changed)
    values = load_params().model_dump()
    for section, keys in wanted.items():
        for key, value in keys.items():
            assert values[section][key] == value or key == "precision"
    assert f"preset: {len(changed)} params of {name} set" in capsys.readouterr().out
    preset(name)
    assert "preset: 0 params" in capsys.readouterr().out


def test_an_unknown_preset_is_refused(workspace):
    workspace()
    with pytest.raises(PipelineError, match="a preset must be one of classic, portraits; received: best"):
        preset("best")
