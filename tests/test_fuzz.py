"""The fuzz command finds nothing in a small run, and would see a stage that crashes or hangs."""

import sys

import pytest

from tests import fuzz
from tests.strange import KINDS, PLACES


def test_fuzz_finds_nothing_and_says_what_became_of_each_kind(monkeypatch, capsys):
    images = max(5 * len(PLACES), 2 * len(KINDS))
    monkeypatch.setattr(sys, "argv", ["fuzz", "--images", str(images), "--variants", "gaussian_blur"])
    with pytest.raises(SystemExit) as caught:
        fuzz.main()
    out, err = capsys.readouterr()
    assert (err, caught.value.code) == ("", 0)
    assert f"{images} images: 0 crash, 0 hang, 0 stopped, 0 unanonymized, 0 lost, 0 wrong" in out
    assert {*KINDS, *PLACES} <= {line.split(" | ")[0].removeprefix("| ") for line in out.splitlines()}


ENDS = {
    "pass": [],
    "raise SystemExit('error: no')": ["stopped"],
    "raise ValueError": ["crash"],
    "import os; os.abort()": ["crash"],
    "import time; time.sleep(60)": ["hang"],
}


@pytest.mark.parametrize(("code", "faults"), ENDS.items(), ids=ENDS)
def test_fuzz_sees_how_a_stage_ends(tmp_path, code, faults):
    findings = fuzz.Findings()
    assert fuzz.run_python(tmp_path, ["-c", code], 1 if "sleep" in code else 60, findings) == (not faults)
    assert list(+findings.faults) == faults
