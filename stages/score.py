"""Writes the metrics of one data set, one flat row, to `metrics/<dataset>.json` for `dvc metrics show`."""

import json
import sys
from pathlib import Path

from stages.core.errors import run_stage
from stages.core.files import write_file
from stages.core.parallel import finish
from stages.core.params import RAW
from stages.results.scores import METRIC_KEYS, privacy_row, read_privacy, read_utility, utility_row

METRICS = Path("metrics")


def score(dataset: str) -> None:
    """Write one data set's row.

    Parameters
    ----------
    dataset : str
        ``raw`` or a variant.
    """
    known = utility_row(read_utility(dataset), read_utility(RAW)) | privacy_row(read_privacy(dataset))
    row = {key: known[key] for key in METRIC_KEYS if key in known}
    file = METRICS / f"{dataset}.json"
    write_file(file, (json.dumps(row, indent=2) + "\n").encode())
    finish(f"score: {len(row)} metrics of {dataset} into {file}")


if __name__ == "__main__":
    run_stage(score, *sys.argv[1:])
