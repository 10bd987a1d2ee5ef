"""Clones of the working tree, in which tests and commands run the real `dvc`."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from stages.core.params import TrainParams, load_params
from stages.results.scores import Privacy

ROOT = Path(__file__).parent.parent
# `dvc repro` runs the `python` of the PATH.
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@t",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@t",
}
# In place of ResNet50, which takes half a minute to build and to trace.
SMALL_NETWORK = """
def _small_network(*, input_shape, **options):
    image = keras.Input(input_shape)
    hidden = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(image)
    hidden = keras.layers.BatchNormalization()(hidden)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(hidden))

keras.applications.ResNet50 = _small_network
"""
SHORT_TRAINING = "\nSAMPLES, EPOCHS = 1_000, 2\n"


def run(folder, *command, environment=ENVIRONMENT):
    """Run a command in a folder, and return what it printed."""
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=800)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@dataclass
class StageRun:
    """A stage as `dvc repro` ran it."""

    name: str  # as anonymize@morphology; dvc for what came before the first stage
    seconds: float = 0.0  # with what DVC did for it
    lines: list = field(default_factory=list)  # that were printed


def repro_by_stage(folder, *targets, environment=ENVIRONMENT):
    """Run `dvc repro`, print what it prints, and return the runs of stages in order."""
    runs, start = [StageRun("dvc")], time.perf_counter()
    with subprocess.Popen(
        ["dvc", "repro", *targets],
        cwd=folder,
        env=environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if found := re.match(r"Running stage '([^']+)'", line):
                now = time.perf_counter()
                runs[-1].seconds, start = now - start, now
                runs.append(StageRun(found[1]))
            runs[-1].lines.append(line)
    runs[-1].seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit("`dvc repro` failed")
    return runs


def contents(folder: Path | str) -> dict[str, bytes]:
    """Read all files below a folder, by path relative to it."""
    files = (file for file in Path(folder).rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def outputs(folder: Path = Path(), *, tops: tuple[str, ...] = ("data", "metrics")) -> dict[str, bytes]:
    """Read what stages wrote below a folder, but for what is there for the next run alone."""
    written = {f"{top}/{path}": content for top in tops for path, content in contents(folder / top).items()}
    return {path: content for path, content in written.items() if not path.startswith("data/.partial/")}


def commit(folder, message):
    """Put all files of a clone under git."""
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", message]):
        run(folder, "git", *command)


def train_params(**changes) -> TrainParams:
    """Return the `train` section of `params.yaml`, changed."""
    return load_params(ROOT / "params.yaml").train.model_copy(update=changes)


def set_param(folder, key, value):
    """Set one full key of `params.yaml`."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    *path, last = key.split(".")
    section = params
    for part in path:
        section = section[part]
    section[last] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def copy_pipeline(folder):
    """Copy the working tree without its results."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for file in files:
        if (ROOT / file).is_file() and file != "dvc.lock" and not file.startswith("metrics/"):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)


def make_clone(folder, params, preset=""):
    """Copy the working tree into a repository of its own, with a preset and params at full keys."""
    copy_pipeline(folder)
    if preset:
        run(folder, sys.executable, "-m", "stages.preset", preset)
    for key, value in params.items():
        set_param(folder, key, value)
    run(folder, "git", "init", "-q")


def attack_in_clone(folder, datasets) -> dict[str, Privacy]:
    """Return what `attack` finds in data sets of a clone."""
    repro_by_stage(folder, *(f"attack@{name}" for name in datasets))
    files = {name: folder / "data/scores/privacy" / f"{name}.json" for name in datasets}
    return {name: Privacy.model_validate_json(file.read_bytes()) for name, file in files.items()}


def shrink_networks(folder):
    """Let a few layers take ResNet50's place in a clone, and the network that restores images learn little."""
    for file, code in (("network/runtime.py", SMALL_NETWORK), ("attacks/_learning/patches.py", SHORT_TRAINING)):
        with (folder / "stages" / file).open("a", encoding="utf-8") as module:
            module.write(code)
