"""Cross-evaluation: what it tests on what, what it prints, and what it needs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.core.errors import PipelineError
from stages.core.paths import FEATURES
from stages.core.store import write_arrays
from stages.cross_evaluate import cross_evaluate
from stages.network.weights import weights_file
from tests.training import write_features

DATASETS = ["raw", "morphology"]
PATHS = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(4)]
FILE = Path("metrics/cross_evaluation.csv")


def test_every_network_is_tested_on_every_data_set(workspace, capsys):
    workspace({"datasets": DATASETS, "train.backbone": "frozen", "train.head": [], "train.seeds": [0, 1]})
    # Of raw all is clear; half of morphology's cats look like dogs.
    for dataset, cats in (("raw", [1, 1, 1, 1]), ("morphology", [1, 1, -1, -1])):
        write_features(dataset, "test", np.array([*cats, *[-1] * 4])[:, None].repeat(2048, axis=1), PATHS)
    # Raw's networks see a cat in what is positive, one of morphology's the reverse.
    for dataset, seed, cat in (("raw", 0, 1), ("raw", 1, 1), ("morphology", 0, 1), ("morphology", 1, -1)):
        kernel = np.full((2048, 2), [cat, -cat], np.float32) / 2048
        write_arrays(weights_file(dataset, seed), {"kernel": kernel, "bias": np.zeros(2, np.float32)})
    cross_evaluate()
    table = pd.read_csv(FILE, index_col="trained_on")
    assert table.to_dict("split") == {"index": DATASETS, "columns": DATASETS, "data": [[1, 0.75], [0.5, 0.5]]}
    assert FILE.with_suffix(".md").read_text().splitlines()[2] == "| `raw` | 1.000 | 0.750 |"
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("cross_evaluate: 2 x 2 accuracies into metrics/cross_evaluation.{csv,md} (")
    assert printed[-2].split() == ["raw", "1.000", "0.750"]


def test_one_line_says_what_is_missing(workspace):
    workspace({"datasets": ["raw"]})
    for file in (FEATURES / "raw/test/index.json", weights_file("raw", 0)):
        with pytest.raises(PipelineError, match=f"^`{file}` is missing; run `dvc repro` first$"):
            cross_evaluate()
        file.parent.mkdir(parents=True)
        file.touch()
