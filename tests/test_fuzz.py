"""The fuzz command finds nothing in a small run, and would see a stage that crashes or hangs."""

import sys

import pytest

from tests import fuzz
from tests.strange import KINDS, PLACES
from tests.strange.watch import run_watched


def test_fuzz_finds_nothing_and_says_what_became_of_each_kind(monkeypatch, capsys):
    images = 5 * len(PLACES)
    monkeypatch.setattr(sys, "argv", ["fuzz", "--images", str(images), "--variants", "gaussian_blur"])
    with pytest.raises(SystemExit) as caught:
        fuzz.main()
    out, err = capsys.readouterr()
    assert (err, caught.value.code) == ("", 0)
    assert f"{images} images: 0 crash, 0 hang, 0 stopped, 0 unanonymized, 0 lost, 0 wrong" in out
    assert {*KINDS, *PLACES} <= {line.split(" | ")[0].removeprefix("| ") for line in out.splitlines()}


STAGE = """
import os, time
from stages.core.errors import PipelineError
def decode_image(): {work}
def ingest():
    decode_image()
    decode_image()
"""


@pytest.mark.parametrize(
    ("work", "outcome"),
    [
        ("pass", "done"),
        ("raise PipelineError('no')", "stopped"),
        ("raise ValueError", "crash"),
        ("os.abort()", "crash"),
        ("time.sleep(60)", "hang"),
    ],
)
def test_watch_sees_how_a_stage_ends(tmp_path, monkeypatch, work, outcome):
    # A module of the test in the place of the stage.
    (tmp_path / "strange_stage.py").write_text(STAGE.format(work=work))
    monkeypatch.syspath_prepend(tmp_path)
    run = run_watched(tmp_path, "ingest", seconds=1, module="strange_stage")
    assert run.outcome == outcome
    assert (run.peak > 0) == (outcome == "done")
