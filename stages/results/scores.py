"""The files in `data/scores/`: predictions and verdicts, from which the metrics are computed."""

import json
from pathlib import Path

from stages.core.errors import PipelineError
from stages.core.paths import PRIVACY, UTILITY


def utility_file(dataset: str) -> Path:
    """Return the file with a data set's predictions on the test images."""
    return UTILITY / f"{dataset}.json"


def read_utility(dataset: str) -> dict:
    """Read a data set's predictions, as `evaluate` wrote them."""
    return _read(utility_file(dataset))


def privacy_file(dataset: str) -> Path:
    """Return the file with what the attacks learned of a data set's test images."""
    return PRIVACY / f"{dataset}.json"


def read_privacy(dataset: str) -> dict:
    """Read what the attacks learned of a data set, as `attack` wrote it."""
    return _read(privacy_file(dataset))


def rounded(row: dict) -> dict[str, float]:
    """Round to 4 decimals, as metrics are written."""
    # Adding 0 makes 0 of -0.
    return {key: round(float(value), 4) + 0.0 for key, value in row.items()}


def _read(file: Path) -> dict:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PipelineError(f"`{file}` is missing; run `dvc repro`, and in a fresh clone `dvc pull` first") from None
