"""All stages in a row, in two environments that differ in all that must not count: the same bytes come out.

A few layers take ResNet50's place, which would take minutes.
"""

import os
import subprocess
import sys

import cv2
import numpy as np
import yaml

from stages.core.files import write_file
from tests.clones import ROOT, SMALL_NETWORK, outputs

ENVIRONMENTS = [
    {"PIPELINE_WORKERS": "1", "PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "C"},
    {"PIPELINE_WORKERS": "5", "PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8"}
    | {"KERAS_BACKEND": "torch"},  # that other projects of the user need
]
STAGES = f"""
from stages.network.runtime import keras
{SMALL_NETWORK}

if __name__ == "__main__":
    from importlib import import_module
    import yaml
    from stages.attacks._learning import patches

    patches.SAMPLES, patches.EPOCHS = 1_000, 2

    with open("params.yaml", encoding="utf-8") as params, open("{ROOT}/dvc.yaml", encoding="utf-8") as pipeline:
        names = {{"${{" + key + "}}": list(values) for key, values in yaml.safe_load(params).items()}}
        stages = yaml.safe_load(pipeline)["stages"]
    for name, stage in stages.items():
        function = getattr(import_module("stages." + name), name)
        for arguments in ([item] for item in names[stage["foreach"]]) if "foreach" in stage else [[]]:
            function(*arguments)
"""


def write_workspace(folder, reverse):
    """Make a source of few images, written in an order that the file system may list them in."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["data"]["source"] = "photos"
    params["data"]["max_per_class"] = 6
    params["sample"] |= {"train_images": 4, "test_images": 2, "size": 32}
    params["variants"] = {"blocking_merging": params["variants"]["blocking_merging"] | {"pattern": "random"}}
    params["datasets"] = ["raw", "blocking_merging"]
    params["train"] |= {"epochs": 2, "batch_size": 4, "head": [8, 0.5], "validation_fraction": 0.25, "seeds": [0]}
    params["attack"] |= {"image_size": 32, "reconstruction_images": 10}
    folder.mkdir()
    (folder / "run.py").write_text(STAGES, encoding="utf-8")
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    names = [f"{kind}/id{number % 2}_é{number}.png" for kind in ("red", "blue") for number in range(10)]
    images = np.random.default_rng(0).integers(0, 256, (len(names), 40, 48, 3), np.uint8)
    for name, image in list(zip(names, images, strict=True))[:: -1 if reverse else 1]:
        write_file(folder / "photos" / name, cv2.imencode(".png", image)[1].tobytes())


def test_the_environment_changes_no_byte(tmp_path):
    runs = []
    for number, environment in enumerate(ENVIRONMENTS):
        folder = tmp_path / str(number)
        write_workspace(folder, reverse=number == 1)
        variables = os.environ | environment | {"PYTHONPATH": str(ROOT)}
        runs.append(subprocess.Popen([sys.executable, "run.py"], cwd=folder, env=variables, stderr=subprocess.PIPE))
    for run in runs:
        _, errors = run.communicate(timeout=300)
        assert run.returncode == 0, errors.decode()
    first, second = (outputs(tmp_path / str(number)) for number in range(2))
    assert {"data/models/raw/seed_0.npz", "metrics/m/raw.json", "metrics/comparison.xlsx"} <= first.keys()
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
