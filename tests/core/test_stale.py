"""Nothing lies in `data/<variant>/` that is not of the present source and params."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from stages.core.errors import run_stage
from stages.core.params import load_params
from stages.core.stale import print_leftovers, withdraw_changed
from stages.detect import detect
from stages.ingest import ingest
from stages.sample import sample
from tests.clones import set_param

VARIANTS = ["blocking_merging", "gaussian_blur", "gone", "morphology"]


def made() -> list[str]:
    folders = [sorted(path.name for path in Path(top).iterdir()) for top in ("data", "data/contact")]
    assert sorted(["contact", "photos", *folders[1]]) == [
        name for name in folders[0] if name[0] != "." and name != "sample"
    ]
    return folders[1]


@pytest.fixture
def folder(workspace):
    """A workspace with three variants, what is left of a fourth, and a folder of somebody's own."""
    for name in VARIANTS:
        Path("data/contact", name).mkdir(parents=True)
        Path("data", name, "train").mkdir(parents=True)
    Path("data/photos").mkdir()
    return workspace({"data.source": "nowhere"})


@pytest.mark.parametrize("stage", [sample, ingest, detect])
@pytest.mark.parametrize("params", ["whole", "broken"])
def test_whatever_makes_images_or_regions_first_takes_away_all_data_sets_made_of_them(folder, stage, params):
    if params == "broken":
        Path("params.yaml").write_text("data: [")
    with suppress(SystemExit):  # there is no source
        run_stage(stage)
    assert made() == []


@pytest.mark.parametrize(
    ("key", "value"), [("params", {"sigma": 8}), ("regions", True), ("deps", "other"), ("none", None)]
)
def test_a_variant_made_with_other_params_or_of_other_images_goes_and_others_stay(folder, key, value):
    blur = {"method": "gaussian_blur", "sigma": 7} | (value if key == "params" else {})
    stage = {
        "deps": [{"path": "data/raw", "md5": value if key == "deps" else "same"}, {"path": "stages/core", "md5": "x"}],
        "params": {"params.yaml": {"regions.required": key == "regions", "variants.gaussian_blur": blur}},
    }
    stages = {"ingest": {"outs": [{"path": "data/raw", "md5": "same"}]}, "anonymize@gaussian_blur": stage}
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    set_param(folder, "train.epochs", -1)
    withdraw_changed()
    assert made() == [name for name in VARIANTS if name != "gaussian_blur" or key == "none"]


def test_what_is_left_of_a_variant_that_is_gone_is_named(folder, capsys):
    print_leftovers("compare", load_params())
    assert capsys.readouterr().out.endswith(": rm -r data/gone data/fit/gone data/contact/gone\n")
    made()
