"""The files in `data/scores/`: predictions and verdicts, from which the metrics are computed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from stages.core.boxes import REGION
from stages.core.errors import PipelineError
from stages.core.paths import PRIVACY, UTILITY

Measured = dict[str, list[float | None]]  # of some images by metric: `region_...` of main regions; None: it has none
VIEWS = ("", REGION)  # of whole images, and of their main regions: begins the names of attackers and metrics
MadeWith = dict[str, dict[str, str]]  # of each step: versions and processor


class Probe(BaseModel):
    """Predictions of the probe on raw test images, and on the data set's own."""

    labels: list[int]
    predictions: list[int]
    labels_anonymized: list[int]
    predictions_anonymized: list[int]


class MembershipScores(BaseModel):
    """What tells training images from others."""

    placements: list[list[float]]  # of each network and image held out: the share of training images ranked before it
    auc: dict[str, float]  # of each attack
    tpr_at_fpr1: list[float] | None = None  # of each network


class Utility(BaseModel):
    """Predictions of a data set's networks, one list a seed."""

    classes: list[str]
    paths: list[str]
    labels: list[int]
    labels_anonymized: list[int]
    predictions: list[list[int]]
    predictions_anonymized: list[list[int]]
    loss: list[float]
    ece: list[float]
    brier: list[float]
    made_with: MadeWith = {}
    probe: Probe | None = None
    membership: MembershipScores | None = None
    # Of each attack on shadows: the share of training images found at 0.1 % false positives, and its interval.
    shadows: Mapping[str, tuple[float, float, float]] = {}

    @property
    def correct(self) -> np.ndarray:
        """Which raw test images each network got right, (seeds, images) bool."""
        return np.array(self.predictions) == np.array(self.labels)

    @property
    def correct_anonymized(self) -> np.ndarray:
        """Which of the data set's own test images, which are the same ones, each network got right."""
        return np.array(self.predictions_anonymized) == np.array(self.labels_anonymized)


class Names(BaseModel):
    """Who is in each image that an attacker was asked about, and whom it names."""

    people: list[int]
    named: list[int]
    pooled: list[int] = []  # whom it names by all images of the person together


class Identity(BaseModel):
    """Whom attackers name in one view."""

    attacker: str  # the informed one
    paths: list[str]
    attacks: dict[str, Names]
    operating_points: dict[str, float]  # of the informed attacker
    chance: float
    left_out: dict[str, int]


class Guarantee(BaseModel):
    """The promise of a method that puts people into groups of at least k, and which attackers broke it."""

    best_guess: float | None  # share of images, by naming of each group who is in most of them
    broken_by: list[str]  # attackers that see only what was replaced
    certificate: dict[str, Any]  # of the groups, and of the pixels that are the same in each


class Privacy(BaseModel):
    """What the attacks found."""

    measured: Measured
    restorer: str
    left_open: dict[str, int]
    findings: dict[str, float]
    effort: str
    identity: Identity | None = None
    region_identity: Identity | None = None
    guarantee: Guarantee | None = None
    made_with: MadeWith = {}


_Scores = TypeVar("_Scores", Utility, Privacy)


def utility_file(dataset: str) -> Path:
    """Return the file with a data set's predictions on the test images."""
    return UTILITY / f"{dataset}.json"


def read_utility(dataset: str) -> Utility:
    """Read a data set's predictions, as `evaluate` wrote them."""
    return _read(utility_file(dataset), Utility)


def privacy_file(dataset: str) -> Path:
    """Return the file with what the attacks learned of a data set's test images."""
    return PRIVACY / f"{dataset}.json"


def read_privacy(dataset: str) -> Privacy:
    """Read what the attacks learned of a data set, as `attack` wrote it."""
    return _read(privacy_file(dataset), Privacy)


def rounded(row: dict) -> dict[str, float]:
    """Round to 4 decimals, as metrics are written."""
    # Adding 0 makes 0 of -0.
    return {key: round(float(value), 4) + 0.0 for key, value in row.items()}


def _read(file: Path, model: type[_Scores]) -> _Scores:
    try:
        return model.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise PipelineError(f"`{file}` is missing; run `dvc repro`, and in a fresh clone `dvc pull` first") from None
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise PipelineError(f"`{file}` is not whole or of another version, at `{key}`; run `dvc repro -f`") from None
