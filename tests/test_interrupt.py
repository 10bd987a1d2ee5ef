"""A few kills of `dvc repro` in the suite; `python -m tests.interrupt --kills 50` does more, in all stages."""

from tests.interrupt import FAULTS, interrupt_runs

QUICK = ["sample", "ingest", "anonymize@gaussian_blur"]


def test_killed_runs_end_as_an_undisturbed_one(tmp_path):
    counts = interrupt_runs(tmp_path, 2, 0, QUICK)
    assert counts["kills"] == 2
    assert counts["whole runs"] >= 1
    assert [name for name in FAULTS if counts[name]] == []
