"""The metrics of one data set, computed from the predictions and verdicts in `data/scores/`."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd

from stages.core.errors import PipelineError
from stages.results.statistics import (
    Naming,
    Verdicts,
    crossed_estimate,
    holm,
    images_named,
    macro_f1_estimate,
    most_exposed,
    paired_p_value,
    people_named,
    wilson_interval,
)

SCORES = Path("data/scores")
# What `metrics/datasets/<dataset>.json` holds, in this order; `dvc metrics show` has a column for each.
METRIC_KEYS = (
    "accuracy",
    "accuracy_ci95",
    "accuracy_std",
    "accuracy_drop",
    "p_value",
    "accuracy_anonymized",
    "macro_f1",
    "loss",
    "identity_accuracy",
    "identity_accuracy_naive",
    "identity_chance",
    "region_identity_accuracy",
    "people_named",
    "linkage_accuracy",
    "linkage_chance",
    "region_linkage_accuracy",
    "regions_missed",
    "regions_found",
    "membership_auc",
    "membership_tpr_at_fpr1",
    "reconstruction_psnr_gain",
    "reconstruction_ssim",
    "keypoint_survival",
)
# The attack that knows the noise shows what its leak would cost; nobody else can run it.
KNOWN_NOISE = "noise_known"
VIEWS = ("", "region_")  # of whole images, and of their main regions: begins the names of attackers and metrics
_SMALLEST_P_VALUE = 0.0001  # written for smaller ones
# Of the raw images that guessing would miss. An identity attacker who names fewer proves nothing about anonymized ones.
CONVINCING_SHARE = 0.8


def utility_file(dataset: str) -> Path:
    """Return the file with a data set's predictions on the test images."""
    return SCORES / "utility" / f"{dataset}.json"


def read_utility(dataset: str) -> dict:
    """Read a data set's predictions, as `evaluate` wrote them."""
    return _read(utility_file(dataset))


def privacy_file(dataset: str) -> Path:
    """Return the file with what the attacks learned of a data set's test images."""
    return SCORES / "privacy" / f"{dataset}.json"


def read_privacy(dataset: str) -> dict:
    """Read what the attacks learned of a data set, as `attack` wrote it."""
    return _read(privacy_file(dataset))


def utility_row(scores: dict, raw: dict) -> dict[str, float]:
    """Compute the utility metrics of one data set.

    Parameters
    ----------
    scores, raw : dict
        Predictions of the data set's networks and of those trained on raw images with the same seeds, as `evaluate`
        wrote them.

    Returns
    -------
    dict of str to float
        Flat, rounded to 4 decimals: accuracy, accuracy_ci95, accuracy_std (with several seeds), accuracy_drop,
        accuracy_anonymized, macro_f1, loss, expected_calibration_error,
        brier_score; membership_auc, that of each attack, and membership_tpr_at_fpr1 (of enough validation images); the
        ends of the 95 % intervals, over training runs and images; and, where `scores` is not `raw` itself,
        p_value_uncorrected, not rounded.
    """
    correct, reference = correct_predictions(scores), correct_predictions(raw)
    labels, predictions = np.array(scores["labels"]), np.array(scores["predictions"])
    low, high = accuracy_interval(correct)
    drop = crossed_estimate(reference.astype(float) - correct, least=-1, most=1)
    macro_f1 = macro_f1_estimate(predictions, labels)
    own = np.array(scores["predictions_anonymized"]) == np.array(scores["labels_anonymized"])
    row = {
        "accuracy": correct.mean(),
        "accuracy_ci95": (high - low) / 2,
        "accuracy_drop": reference.mean() - correct.mean(),
        "accuracy_anonymized": own.mean(),
        "macro_f1": macro_f1.mean,
        "loss": np.mean(scores["loss"]),
        "expected_calibration_error": np.mean(scores["ece"]),
        "brier_score": np.mean(scores["brier"]),
        "accuracy_low": low,
        "accuracy_high": high,
        "accuracy_drop_low": drop.low,
        "accuracy_drop_high": drop.high,
        "macro_f1_low": macro_f1.low,
        "macro_f1_high": macro_f1.high,
    }
    if len(correct) > 1:
        row["accuracy_std"] = correct.mean(axis=1).std(ddof=1)
    row |= _membership_row(scores.get("membership"))
    if scores is raw:
        return _rounded(row | {"accuracy_drop_low": 0, "accuracy_drop_high": 0})
    return _rounded(row) | {"p_value_uncorrected": paired_p_value(correct, reference)}


def _membership_row(found: dict | None) -> dict[str, float]:
    if found is None:
        return {}
    estimate = crossed_estimate(np.array(found["placements"]), least=0, most=1)
    row = {"membership_auc": estimate.mean, "membership_low": estimate.low, "membership_high": estimate.high}
    row |= {f"membership_auc_{attack}": area for attack, area in found["auc"].items()}
    if "tpr_at_fpr1" in found:
        row["membership_tpr_at_fpr1"] = np.mean(found["tpr_at_fpr1"])
    return row


def corrected_p_values(uncorrected: pd.Series) -> pd.Series:
    """Correct the p-values of a table for the number of variants in it (Holm).

    Parameters
    ----------
    uncorrected : pandas.Series
        One a data set; NaN for raw.

    Returns
    -------
    pandas.Series
        Rounded to 4 decimals, at least 0.0001, as a chance is never zero.
    """
    tested = uncorrected.dropna()
    corrected = pd.Series(holm(tested.tolist()), tested.index, float).round(4).clip(lower=_SMALLEST_P_VALUE)
    return corrected.reindex(uncorrected.index)


def privacy_row(scores: dict) -> dict[str, float]:
    """Compute the privacy metrics of one data set.

    Parameters
    ----------
    scores : dict
        What the attacks learned, as `attack` wrote it.

    Returns
    -------
    dict of str to float
        Flat, rounded to 4 decimals. Shares of images: identity_accuracy (of the informed attacker),
        identity_accuracy_<attacker> for the others, identity_chance. Of the informed attacker's distances:
        identity_rank5, identity_auc, identity_tpr_at_fpr1 (`stages.attacks.operating_points`). Then
        reconstruction_psnr_gain (dB), reconstruction_ssim, keypoint_survival, unchanged_pixels. All of these again as
        region_<key>, of the main regions of images. Share of people: people_named, by the attacker who names most.
        Counts: regions_given, regions_missed. Share of regions: regions_found. <attack>_<key> and
        region_<attack>_<key>: what the attacks of `stages.attacks.evidence.find_attacks` found. What could not be
        measured is absent.
    """
    row: dict[str, float] = {}
    for prefix in VIEWS:
        row |= {f"{prefix}{key}": value for key, value in _identity_row(scores.get(f"{prefix}identity")).items()}
        row |= {f"{prefix}{key}": value for key, value in _pixel_row(scores, prefix).items()}
    if "identity" in scores:
        row["people_named"] = max(people_named(verdicts).share for verdicts in attacks_run(scores).values())
    found = _measured(scores.get("regions_found", []))
    if found:
        row["regions_found"] = fmean(found)
    row |= {f"regions_{key}": count for key, count in scores["regions"].items()}
    return _rounded(row | scores["findings"])


def _identity_row(identity: dict | None) -> dict[str, float]:
    if identity is None:
        return {}
    row: dict[str, float] = {}
    for attacker, one in identity["attacks"].items():
        key = "identity_accuracy" if attacker == "informed" else f"identity_accuracy_{attacker}"
        row[key] = fmean(np.equal(one["people"], one["named"]))
    row["identity_chance"] = identity["chance"]
    return row | {f"identity_{key}": value for key, value in identity["operating_points"].items()}


def _pixel_row(scores: dict, prefix: str) -> dict[str, float]:
    kinds = ("psnr", "psnr_restored", "ssim_restored", "keypoint_survival", "unchanged_pixels")
    before, after, alike, points, pixels = (_measured(scores.get(f"{prefix}{kind}", [])) for kind in kinds)
    if not before:
        return {}
    gain = fmean(after) - fmean(before)
    row = {"reconstruction_psnr_gain": gain, "reconstruction_ssim": fmean(alike)}
    if points:
        row["keypoint_survival"] = fmean(points)
    return row | {"unchanged_pixels": fmean(pixels)}


def _measured(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def exposure(scores: dict) -> dict[str, float | int | str]:
    """Compute what the recommendation rests on: the strongest of the attacks that were run, and its intervals.

    Parameters
    ----------
    scores : dict
        What the attacks learned, as `attack` wrote it.

    Returns
    -------
    dict of str to object
        Which candidate it is: informed_attacker. Shares of images: identity_low and identity_high of that attacker;
        strongest_accuracy with strongest_low and strongest_high of the attacker strongest_attack; region_named with
        region_named_low and region_named_high of the strongest attacker who looks at regions; most_exposed, of one
        person's images. Shares of people: people_named_low and people_named_high of the attacker who names most of the
        people_asked, which are fewer where it sees a part of the images. Of the share that blind guessing would miss,
        the greatest of all
        attackers: strongest_advantage_high, people_advantage_high. Count: people_left_out. Where nobody is known, the
        attack is linkage, and what concerns people is absent.
    """
    attacks = attacks_run(scores)
    if not attacks:
        return _linkage_exposure(scores["findings"])
    images = {attacker: images_named(verdicts) for attacker, verdicts in attacks.items()}
    people = {attacker: people_named(verdicts) for attacker, verdicts in attacks.items()}
    strongest = max(images, key=lambda attacker: images[attacker].share)
    most = max(people, key=lambda attacker: people[attacker].share)
    return {
        "identity_low": images["informed"].low,
        "identity_high": images["informed"].high,
        "informed_attacker": scores["identity"]["attacker"],
        "strongest_attack": strongest,
        "strongest_accuracy": images[strongest].share,
        "strongest_low": images[strongest].low,
        "strongest_high": images[strongest].high,
        "strongest_advantage_high": max(naming.advantage_high for naming in images.values()),
        "people_named_low": people[most].low,
        "people_named_high": people[most].high,
        "people_advantage_high": max(naming.advantage_high for naming in people.values()),
        "most_exposed": max(most_exposed(verdicts) for verdicts in attacks.values()),
        "people_asked": len(np.unique(attacks[most].people)),
        "people_left_out": scores["identity"]["left_out"]["people"],
    } | _region_exposure(images)


def _region_exposure(images: dict[str, Naming]) -> dict[str, float]:
    of_regions = [naming for attacker, naming in images.items() if attacker.startswith(VIEWS[1])]
    if not of_regions:
        return {}
    strongest = max(of_regions, key=lambda naming: naming.share)
    return {"region_named": strongest.share, "region_named_low": strongest.low, "region_named_high": strongest.high}


def _linkage_exposure(findings: dict[str, float]) -> dict[str, float | str]:
    attacks = [f"{prefix}linkage" for prefix in VIEWS if f"{prefix}linkage_accuracy" in findings]
    if not attacks:
        return {}
    strongest = max(attacks, key=lambda attack: findings[f"{attack}_accuracy"])
    share, chance, count = (findings[f"{strongest}_{key}"] for key in ("accuracy", "chance", "images"))
    low, high = wilson_interval(round(share * count), int(count))
    return {
        "strongest_attack": strongest,
        "strongest_accuracy": share,
        "strongest_low": low,
        "strongest_high": high,
        "strongest_advantage_high": (high - chance) / (1 - chance) if chance < 1 else 1.0,
    }


def convinces(row: Mapping[str, float]) -> bool:
    """Tell whether an attacker finds enough on raw images for its failure elsewhere to mean anything.

    Parameters
    ----------
    row : mapping of str to float
        Of raw images. The informed attacker counts, or where nobody is known, who links images to their originals.

    Returns
    -------
    bool
        Whether it is right on at least `CONVINCING_SHARE` of those that guessing would miss.
    """
    attack = "identity" if "identity_accuracy" in row else "linkage"
    accuracy, chance = row[f"{attack}_accuracy"], row[f"{attack}_chance"]
    return accuracy - chance >= CONVINCING_SHARE * (1 - chance)


def read_verdicts(scores: dict) -> dict[str, Verdicts]:
    """Return whom each attacker names, by attacker; empty where nobody is known."""
    return {
        f"{prefix}{name}": Verdicts(np.array(one["people"]), np.array(one["named"]))
        for prefix in VIEWS
        for name, one in scores.get(f"{prefix}identity", {"attacks": {}})["attacks"].items()
    }


def attacks_run(scores: dict) -> dict[str, Verdicts]:
    """Return the verdicts of those attackers who need nothing that is kept secret."""
    return {name: verdicts for name, verdicts in read_verdicts(scores).items() if not name.endswith(KNOWN_NOISE)}


def commonest_class(scores: dict) -> float:
    """Return the accuracy of always answering the class that most test images show."""
    return float(np.bincount(scores["labels"]).max() / len(scores["labels"]))


def correct_predictions(scores: dict) -> np.ndarray:
    """Return which raw test images each network got right, (seeds, images) bool."""
    return np.array(scores["predictions"]) == np.array(scores["labels"])


def accuracy_interval(correct: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean accuracy, over training runs and test images.

    Parameters
    ----------
    correct : numpy.ndarray
        (runs, images) bool.

    Returns
    -------
    tuple of float
        From `crossed_estimate`; with one run, which tells nothing of others, Wilson's interval over images.
    """
    if len(correct) == 1:
        return wilson_interval(int(correct.sum()), correct.shape[1])
    estimate = crossed_estimate(correct.astype(float), least=0, most=1)
    return estimate.low, estimate.high


def _rounded(row: dict) -> dict[str, float]:
    # Adding 0 makes 0 of -0.
    return {key: round(float(value), 4) + 0.0 for key, value in row.items()}


def _read(file: Path) -> dict:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PipelineError(f"`{file}` is missing; run `dvc repro`, and in a fresh clone `dvc pull` first") from None
