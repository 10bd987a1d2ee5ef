"""Whatever fails, a stage ends with one line and leaves no folder in which an image is not anonymized."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from stages import anonymize as anonymize_stage
from stages import ingest as ingest_stage
from stages import train as train_stage
from stages.anonymize import anonymize
from stages.core.errors import run_stage
from stages.core.images import list_images
from stages.ingest import ingest
from stages.network import checkpoints
from stages.network.checkpoints import PARTIAL
from stages.network.weights import MODELS
from stages.train import train
from tests.clones import ROOT
from tests.test_train import write_workspace

PATHS = [f"{split}/{name}/{number}.png" for split in ("train", "test") for name in "ab" for number in range(4)]


@pytest.fixture
def images(workspace, save_images):
    """A workspace with images in its source and in `data/raw`."""
    folder = workspace({"data.source": "source"})
    save_images(folder / "source", PATHS)
    save_images(folder / "data" / "raw", PATHS)
    return folder


def failing(function, error: BaseException, after: int = 5):
    """Return the function in a form that fails at the sixth call."""
    calls = iter(range(1000))

    def fail(*arguments, **options):
        if next(calls) >= after:
            raise error
        return function(*arguments, **options)

    return fail


def last_words(stage, *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        run_stage(stage, *arguments)
    words = caught.value.code
    assert isinstance(words, str)  # Python prints it, and ends with 1
    assert words.startswith("error: ")
    assert words.isprintable()
    return words


def no_folder_but(*names: str) -> None:
    assert {entry.name for entry in Path("data").iterdir()} == set(names)


def of_system(code: int) -> OSError:
    return OSError(code, os.strerror(code))


SYSTEM = {
    "disk full": (of_system(errno.ENOSPC), "No space left on device; make room, then `dvc repro` goes on"),
    "quota": (of_system(errno.EDQUOT), "Disk quota exceeded; make room, then `dvc repro` goes on"),
    "permission": (of_system(errno.EACCES), "Permission denied"),
    "broken disk": (of_system(errno.EIO), "Input/output error"),
    "memory": (MemoryError(), "not enough memory; lower PIPELINE_WORKERS"),
}


@pytest.mark.parametrize(("error", "words"), SYSTEM.values(), ids=SYSTEM)
@pytest.mark.parametrize("broken", ["read_image", "write_image"])
def test_anonymize_names_the_image_that_the_machine_refused(images, monkeypatch, broken, error, words):
    monkeypatch.setattr(anonymize_stage, broken, failing(getattr(anonymize_stage, broken), error))
    said = last_words(anonymize, "morphology")
    assert said.startswith("error: `data/raw/t")
    assert f".png`: {words}" in said
    no_folder_but("raw")


@pytest.mark.parametrize(("error", "words"), SYSTEM.values(), ids=SYSTEM)
def test_ingest_names_the_image_that_the_machine_refused(images, monkeypatch, error, words):
    shutil.rmtree(images / "data")
    monkeypatch.setattr(ingest_stage, "write_image", failing(ingest_stage.write_image, error))
    said = last_words(ingest)
    assert said.startswith("error: `source/t")
    assert f".png`: {words}" in said
    no_folder_but()


@pytest.mark.parametrize(("error", "words"), SYSTEM.values(), ids=SYSTEM)
@pytest.mark.parametrize("operation", ["mkdir", "rename", "chmod"])
def test_what_the_machine_refused_for_the_folder_is_said(images, monkeypatch, operation, error, words):
    monkeypatch.setattr(Path, operation, failing(getattr(Path, operation), error, after=0))
    assert words in last_words(anonymize, "morphology")
    no_folder_but("raw")


FAULTS = [ValueError("two\nlines"), MemoryError(), cv2.error("in C++"), RecursionError(), of_system(errno.ENOSPC)]


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_method_that_fails_is_named_with_its_image(images, monkeypatch, error):
    monkeypatch.setattr(anonymize_stage, "anonymize_image", failing(anonymize_stage.anonymize_image, error))
    said = last_words(anonymize, "morphology")
    assert said.startswith("error: `data/raw/t")
    assert f".png`: morphology failed: {type(error).__name__}: " in f"{said} "
    no_folder_but("raw")


def test_image_that_cannot_be_encoded_is_named(images, monkeypatch):
    encode = cv2.imencode
    calls = iter(range(1000))
    # As OpenCV does on any error.
    monkeypatch.setattr(cv2, "imencode", lambda *options: encode(*options) if next(calls) < 5 else (False, np.empty(0)))
    assert ".png` cannot be encoded; out of memory?" in last_words(anonymize, "morphology")
    no_folder_but("raw")


def test_image_that_cannot_be_decoded_is_named(images, monkeypatch):
    decode = cv2.imdecode
    calls = iter(range(1000))
    monkeypatch.setattr(cv2, "imdecode", lambda *options: decode(*options) if next(calls) < 5 else None)
    assert ".png` must be a whole PNG or JPEG image" in last_words(anonymize, "morphology")
    no_folder_but("raw")


def test_image_for_which_the_memory_is_too_small_is_not_called_broken(images, monkeypatch):
    shutil.rmtree(images / "data")
    monkeypatch.setattr("PIL.Image.Image.convert", failing(lambda image, mode: image, MemoryError()))
    assert ".png` (not enough memory to decode the image)" in last_words(ingest)
    no_folder_but()


def test_last_whole_folder_stays_when_the_disk_is_full(images, monkeypatch):
    anonymize("morphology")
    monkeypatch.setattr(anonymize_stage, "write_image", failing(anonymize_stage.write_image, of_system(errno.ENOSPC)))
    last_words(anonymize, "morphology")
    no_folder_but("raw", "morphology")
    assert list_images(Path("data/morphology")) == sorted(PATHS)


def leaving_half(error: OSError | MemoryError):
    """Return a function that writes a file, open or named, in part, and then fails."""

    def write(*arguments, **options):
        for file in arguments:
            if isinstance(file, Path):
                file.write_bytes(b"half")
            elif hasattr(file, "write"):
                file.write(b"half")
        raise error

    return write


@pytest.mark.parametrize(("error", "words"), SYSTEM.values(), ids=SYSTEM)
def test_train_names_the_weights_that_the_machine_refused(tmp_path, monkeypatch, error, words):
    write_workspace(tmp_path, monkeypatch)
    monkeypatch.setattr(train_stage, "save_weights", leaving_half(error))
    assert last_words(train, "raw").startswith(f"error: `data/models/raw/seed_0.npz`: {words}")
    assert list(MODELS.iterdir()) == []


@pytest.mark.parametrize("saved", [0, 2])
def test_training_goes_on_from_the_last_state_that_the_disk_held(tmp_path, monkeypatch, capsys, saved):
    write_workspace(tmp_path, monkeypatch, epochs=4)
    monkeypatch.setattr(checkpoints, "COST_SHARE", float("inf"))  # a state each epoch
    save, half, calls = np.savez, leaving_half(of_system(errno.ENOSPC)), iter(range(1000))
    monkeypatch.setattr(np, "savez", lambda *given, **arrays: (save if next(calls) < saved else half)(*given, **arrays))
    said = last_words(train, "raw")
    assert said.startswith("error: `data/.partial/raw/seed_0_")
    assert said.endswith(".npz`: No space left on device; make room, then `dvc repro` goes on")
    assert [file.name[:7] for file in PARTIAL.glob("raw/*")] == ["seed_0_"][:saved]
    assert list(MODELS.iterdir()) == []
    monkeypatch.setattr(np, "savez", save)
    capsys.readouterr()
    train("raw")
    printed = capsys.readouterr().out
    assert f"goes on after epoch {saved}" in printed if saved else "goes on" not in printed
    assert "is not whole" not in printed


def in_namespace(commands: str) -> subprocess.CompletedProcess:
    """Run commands where file systems may be mounted, as one's own root; skip the test where the system forbids it."""
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no mounts in a namespace here")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    return subprocess.run(["unshare", "-rm", "sh", "-c", commands], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("stage", ["ingest", "anonymize morphology"])
def test_small_disk_ends_in_one_line_and_nothing_is_left(workspace, save_images, stage):
    folder = workspace({"data.source": "source", "data.max_pixels": 10_000})
    save_images(folder / "source", PATHS)
    save_images(folder / "raw", PATHS)
    done = in_namespace(
        "mkdir data metrics; mount -t tmpfs -o size=56k tmpfs data; cp -r raw data/raw; "
        f"python -m stages.{stage}; echo status $?; find data -name '*.png' -not -path 'data/raw/*'; ls -A data"
    )
    assert done.stdout.split() == ["status", "1", "raw"]
    assert "No space left on device" in done.stderr
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert ".png`: No space left" in said
    assert "Traceback" not in done.stderr


def test_small_disk_ends_extract_in_one_line_and_nothing_is_left(workspace, save_images):
    # What is written to a mapped file that has no room kills the process.
    save_images(workspace({"train.backbone": "trainable"}) / "raw", PATHS)
    done = in_namespace(
        "mkdir data; mount -t tmpfs -o size=80k tmpfs data; cp -r raw data/raw; "
        "python -m stages.extract raw; echo status $?; ls -A data/features/raw"
    )
    assert done.stdout.split() == ["status", "1"]
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert said.endswith("/inputs.npy`: No space left on device; make room, then `dvc repro` goes on")
    assert "Traceback" not in done.stderr


def test_small_disk_ends_training_in_one_line_and_nothing_is_left(tmp_path, monkeypatch):
    write_workspace(tmp_path, monkeypatch, head=[512])
    done = in_namespace(
        "mv data whole; mkdir data; mount -t tmpfs -o size=2m tmpfs data; cp -r whole/* data; "
        "python -m stages.train raw; echo status $?; ls -A data/models"
    )
    assert done.stdout.split() == ["status", "1"]
    (said,) = (line for line in done.stderr.splitlines() if "error" in line.lower())
    assert said.endswith(
        "error: `data/models/raw/seed_0.npz`: No space left on device; make room, then `dvc repro` goes on"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stage", ["ingest", "anonymize morphology"])
def test_folder_that_may_not_be_written_ends_in_one_line(workspace, save_images, stage):
    folder = workspace({"data.source": "source"})
    save_images(folder / "source", PATHS)
    save_images(folder / "data" / "raw", PATHS)
    done = in_namespace(
        f"mkdir metrics; mount --bind -r data data && mount -o remount,bind,ro data; python -m stages.{stage}; "
        "echo status $?; ls -A data"
    )
    assert done.stdout.split() == ["status", "1", "raw"]
    assert done.stderr.startswith("error: Read-only file system: `")
    assert done.stderr.count("\n") == 1
