"""The command that attacks shadows: its table, and what it needs."""

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.paths import FEATURES, MEMBERSHIP
from stages.membership import membership
from tests.training import HEAD, write_features

PATHS = [f"{name}/{number:03}.png" for name in ("cat", "dog") for number in range(50)]


def test_the_table_says_what_is_found_in_each_data_set(workspace, monkeypatch):
    monkeypatch.setattr("stages.membership.SHADOWS", 24)
    head = HEAD | {"epochs": 20, "batch_size": 64, "learning_rate": 0.02}
    workspace({"datasets": ["raw", "morphology"]} | {f"train.{key}": value for key, value in head.items()})
    # Random features are learned by heart; of those that are all the same, nothing but the share of the classes is.
    write_features("raw", "train", np.random.default_rng(0).normal(size=(100, 2048)), PATHS)
    write_features("morphology", "train", np.ones((100, 2048)), PATHS)
    membership()
    rows = [line.strip("| ").split(" | ") for line in MEMBERSHIP.read_text().splitlines() if line.startswith("| `")]
    assert [row[:3] for row in rows] == [["`raw`", "100", "2"], ["`morphology`", "100", "2"]]
    found, nothing = (float(row[3].split("%")[0]) for row in rows)  # by LiRA
    assert found > 10 and nothing < 2


def test_one_line_says_what_is_missing_and_that_the_backbone_must_be_frozen(workspace):
    workspace({"datasets": ["raw"]})
    with pytest.raises(PipelineError, match="`train.backbone` must be frozen; received: trainable$"):
        membership()
    workspace({"datasets": ["raw"], "train.backbone": "frozen"})
    with pytest.raises(PipelineError, match=f"^`{FEATURES}/raw/train/index.json` is missing; run `dvc repro extract`"):
        membership()
