"""Whatever fails, a stage ends with one line and leaves no folder in which an image is not anonymized."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest

from stages.anonymize import anonymize
from stages.core.paths import LAST_RUN, MODELS, PARTIAL
from stages.ingest import ingest
from stages.network import training
from stages.train import train
from tests.clones import ROOT, outputs
from tests.faults import failing, last_words, leaving_half, of_system
from tests.training import write_workspace

PATHS = [f"{split}/{name}/{number}.png" for split in ("train", "test") for name in "ab" for number in range(4)]
FULL = "No space left on device; make room, then `dvc repro` goes on"


RAW, SOURCE, NEW = "`data/raw/t.*png`", "`source/t.*png`", "`data/\\..*png`"
# The function that fails at its sixth call, or at once if it makes folders, how, and the words.
FAILURES = {
    "disk": ("pathlib.Path.read_bytes", of_system(errno.EIO), f"{RAW}: Input/output error"),
    "disk full": ("pathlib.Path.write_bytes", of_system(errno.ENOSPC), f"{NEW}: {FULL}"),
    "method": ("stages.anonymize.anonymize_image", ValueError("a\nb"), f"{RAW}: morphology failed: ValueError: a b"),
    "memory": ("stages.anonymize.anonymize_image", MemoryError(), f"{RAW}: morphology failed: MemoryError:"),
    "encoding": ("cv2.imencode", (False, np.empty(0)), "`data/.*png` cannot be encoded; out of memory\\?"),
    "decoding": ("cv2.imdecode", None, f"{RAW} must be a whole image; .*"),
    "folder made": ("pathlib.Path.mkdir", of_system(errno.EACCES), "Permission denied"),
    "folder opened": ("pathlib.Path.chmod", of_system(errno.EPERM), "Operation not permitted"),
    "folder named": ("pathlib.Path.rename", of_system(errno.ENOSPC), FULL),
    "quota of ingest": (
        "stages.sources.staging.encode_image",
        of_system(errno.EDQUOT),
        f"{SOURCE}: Disk quota exceeded; make .*",
    ),
    "memory of ingest": ("stages.sources.staging.encode_image", MemoryError(), f"{SOURCE}: not enough memory; .*"),
    "memory, decoding": ("PIL.Image.Image.convert", MemoryError(), r".*png` \(not enough memory to decode .*\); .*"),
}


@pytest.mark.parametrize(("function", "outcome", "words"), FAILURES.values(), ids=FAILURES)
def test_what_fails_is_said_and_the_last_whole_folder_stays(
    workspace, save_images, monkeypatch, function, outcome, words
):
    save_images(workspace({"data.source": "source"}) / "source", PATHS)
    ingest()
    anonymize("morphology")
    before = outputs(tops=("data",))
    shutil.rmtree(LAST_RUN)
    after = 0 if function.endswith(("mkdir", "chmod", "rename")) else 5
    stage = (ingest,) if "staging" in function or "PIL" in function else (anonymize, "morphology")
    with monkeypatch.context() as patch:
        patch.setattr(function, failing(resolve_name(function), outcome, after))
        assert re.fullmatch(words, last_words(*stage).removeprefix("error: "))
    left = outputs(tops=("data",))
    assert stage != (ingest,) or not Path("data/morphology").exists()
    # Either the old folder has just made room for the new one, or its source may have changed.
    if function.endswith("rename") or stage == (ingest,):
        before = {file: content for file, content in before.items() if "/morphology/" not in file or file in left}
    assert left == before


def test_training_goes_on_from_the_last_state_that_the_disk_held_and_names_weights_that_it_refused(
    working_folder, monkeypatch, capsys
):
    write_workspace(seeds=[0], epochs=4)
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)  # a state each epoch
    save, half, calls = np.savez, leaving_half(of_system(errno.ENOSPC)), iter(range(1000))
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", lambda *given, **arrays: (save if next(calls) < 2 else half)(*given, **arrays))
        assert re.fullmatch(f"error: `data/.partial/raw/seed_0_.*npz`: {FULL}", last_words(train, "raw"))
    assert [file.name[:7] for file in PARTIAL.glob("raw/*")] == ["seed_0_"]
    monkeypatch.setattr("stages.network.models.write_arrays", half)
    capsys.readouterr()
    assert last_words(train, "raw") == f"error: `data/models/raw`: {FULL}"
    assert list(MODELS.iterdir()) == []
    printed = capsys.readouterr().out
    assert "goes on after epoch 2" in printed
    assert "is not whole" not in printed


def in_namespace(commands: str) -> subprocess.CompletedProcess:
    """Run commands where file systems may be mounted, as one's own root; skip the test where the system forbids it."""
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no mounts in a namespace here")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    return subprocess.run(["unshare", "-rm", "sh", "-c", commands], env=environment, capture_output=True, text=True)


# What is written to a mapped file that has no room would kill `extract`.
MACHINES = {
    "small disk, ingest": ("mount -t tmpfs -o size=56k tmpfs data", "ingest", rf"`source/.*\.png`: {FULL}"),
    "small disk, extract": ("mount -t tmpfs -o size=80k tmpfs data", "extract raw", rf"`.*/inputs\.npy`: {FULL}"),
    "read-only": (
        "mount --bind -r data data && mount -o remount,bind,ro data",
        "anonymize morphology",
        "Read-only file system: `.*`",
    ),
}


@pytest.mark.parametrize(("mount", "stage", "words"), MACHINES.values(), ids=MACHINES)
def test_what_the_machine_has_not_ends_in_one_line_and_leaves_nothing(workspace, save_images, mount, stage, words):
    folder = workspace({"data.source": "source", "data.max_pixels": 10_000, "train.backbone": "trainable"})
    for name in ("source", "raw", "data/raw"):
        save_images(folder / name, PATHS)
    done = in_namespace(
        f"{mount}; test -d data/raw || cp -r raw data; python -m stages.{stage}; "
        "echo status $?; find data -name '*.np*' -o -name '*.png' -not -path 'data/raw/*'; ls -A data"
    )
    left = [word for word in done.stdout.split() if word not in (".partial", "contact", "features", "fit")]
    assert left == ["status", "1", "raw"]
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert re.fullmatch(f"error: {words}", said)
    assert "Traceback" not in done.stderr
