"""Scores are read by data set, or it is said how to make them."""

from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.results.scores import read_privacy, read_utility


@pytest.mark.parametrize(("read", "kind"), [(read_utility, "utility"), (read_privacy, "privacy")])
def test_scores_are_read_by_data_set(tmp_path, monkeypatch, read, kind):
    monkeypatch.chdir(tmp_path)
    Path(f"data/scores/{kind}").mkdir(parents=True)
    Path(f"data/scores/{kind}/raw.json").write_text('{"é": 1}', encoding="utf-8")
    assert read("raw") == {"é": 1}
    with pytest.raises(PipelineError, match=rf"`data/scores/{kind}/other.json` is missing; run `dvc repro`"):
        read("other")
