"""Signals, as a terminal, a batch system and a killed pipeline send them, to a stage in a process of its own."""

import os
import signal
import subprocess
import sys

import pytest

from stages.core.interruption import Interrupted, interruptible
from tests.clones import ROOT

STAGE = """
import sys, time
from pathlib import Path
from stages.core.errors import run_stage
from stages.core.parallel import map_ordered
from stages.core.files import new_folder

def stage():
    with new_folder(Path(sys.argv[1]) / "out") as folder:
        (folder / "half").touch()
        print("started", flush=True)
        for _ in map_ordered(lambda _: time.sleep(0.1), range(600), total=600, label="test"):
            pass

run_stage(stage)
"""
DELETED = """
import signal
from stages.core.interruption import interruptible

class Deleted:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

with interruptible():
    Deleted()
    print("went on")
"""


def start(*arguments, **options) -> subprocess.Popen:
    pipe = subprocess.PIPE
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, **options)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_stage_in_one_line_and_leaves_nothing(tmp_path, number):
    with start("-c", STAGE, tmp_path) as stage:
        assert stage.stdout.readline() == "started\n"
        stage.send_signal(number)
        _, errors = stage.communicate(timeout=20)
    assert stage.returncode == 128 + number
    (line,) = errors.splitlines()
    assert line.startswith("interrupted: nothing half-written was kept; ")
    assert not list(tmp_path.iterdir())


def test_a_stage_ends_when_the_pipeline_is_killed(tmp_path):
    # As `dvc repro` would, this process starts a stage and waits for it.
    wait = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    environment = os.environ | {"DVC_ROOT": str(ROOT)}
    with start("-c", wait, sys.executable, "-c", STAGE, tmp_path, env=environment) as pipeline:
        assert pipeline.stdout.readline() == "started\n"
        pipeline.kill()
        # The stage holds the other end of the pipe.
        assert pipeline.stdout.read() == ""
    assert not list(tmp_path.iterdir())


def test_a_signal_while_modules_are_imported_leaves_no_traceback():
    with start("-X", "importtime", "-m", "stages.train", "raw") as stage:
        next(line for line in stage.stderr if line.rstrip().endswith(" numpy"))
        stage.send_signal(signal.SIGINT)
        _, errors = stage.communicate(timeout=20)
    assert stage.returncode == -signal.SIGINT
    assert "Traceback" not in errors


def test_a_signal_while_an_object_is_deleted_is_not_lost():
    with start("-c", DELETED) as process:
        assert process.communicate() == ("", "")
    assert process.returncode == 128 + signal.SIGTERM


def test_signals_do_afterwards_what_they_did_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted), interruptible():
        signal.raise_signal(signal.SIGTERM)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
