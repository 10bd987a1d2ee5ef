"""Scores are read by data set, or it is said how to make them."""

import json
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.core.files import write_file
from stages.results.scores import read_privacy, read_utility
from tests.synthetic import change, privacy, utility


@pytest.mark.parametrize(("read", "kind"), [(read_utility, "utility"), (read_privacy, "privacy")])
def test_scores_are_read_by_data_set(working_folder, read, kind):
    file, content = Path(f"data/scores/{kind}/raw.json"), {"utility": utility(1), "privacy": privacy(4)}[kind]
    write_file(file, json.dumps(content).encode())
    assert content.items() <= read("raw").model_dump(exclude_unset=True).items()
    change(file, made_with=1)
    with pytest.raises(PipelineError, match=rf"`data/scores/{kind}/raw.json` .* `made_with`"):
        read("raw")
    with pytest.raises(PipelineError, match=rf"`data/scores/{kind}/other.json` is missing; run `dvc repro`"):
        read("other")
