"""Clones of the working tree, in which tests and commands run the real `dvc`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
# `dvc repro` runs the `python` of the PATH.
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@t",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@t",
}


def run(folder, *command):
    """Run a command in a folder, and return what it printed."""
    result = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=800)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


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
