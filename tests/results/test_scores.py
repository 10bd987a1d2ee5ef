"""Scores are read by data set, or it is said how to make them."""

import json
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.results.scores import read_privacy, read_utility
from tests.synthetic import privacy, utility


@pytest.mark.parametrize(("read", "kind"), [(read_utility, "utility"), (read_privacy, "privacy")])
def test_scores_are_read_by_data_set(tmp_path, monkeypatch, read, kind):
    monkeypatch.chdir(tmp_path)
    Path(f"data/scores/{kind}").mkdir(parents=True)
    content = {"utility": utility(1), "privacy": privacy(4)}[kind]
    Path(f"data/scores/{kind}/raw.json").write_text(json.dumps(content), encoding="utf-8")
    assert {
        key: value for key, value in read("raw").model_dump(exclude_unset=True).items() if key in content
    } == content
    Path(f"data/scores/{kind}/raw.json").write_text(json.dumps(content | {"made_with": 1}))
    with pytest.raises(PipelineError, match=rf"`data/scores/{kind}/raw.json` .* `made_with`"):
        read("raw")
    with pytest.raises(PipelineError, match=rf"`data/scores/{kind}/other.json` is missing; run `dvc repro`"):
        read("other")
