"""The metrics of what was learned from one data set, computed from predictions."""

from statistics import fmean

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, f1_score

from stages.results.scores import MembershipScores, Probe, Utility, rounded
from stages.results.statistics import LIMIT_TAIL, crossed_estimate, paired_p_value, wilson_interval

# The metric of accuracy on what a network may see after training: raw images, or images anonymized alike.
ACCURACIES = {"raw": "accuracy", "anonymized": "accuracy_anonymized"}
_SMALLEST_P_VALUE = 0.0001  # written for smaller ones


def utility_row(scores: Utility, raw: Utility, deployed_on: str = "both") -> dict[str, float]:
    """Compute the utility metrics of one data set, whose networks have the same seeds as those trained on raw images.

    Rounded to 4 decimals but for p-values that are not corrected. What does not apply is absent.
    """
    correct = scores.correct
    row = {
        **_accuracy("accuracy", correct),
        **_accuracy("accuracy_anonymized", scores.correct_anonymized),
        "macro_f1": np.mean([f1_score(scores.labels, run, average="macro") for run in scores.predictions]),
        "loss": np.mean(scores.loss),
        "expected_calibration_error": np.mean(scores.ece),
        "brier_score": np.mean(scores.brier),
        "commonest_class": np.bincount(scores.labels).max() / len(scores.labels),
        "seeds": len(correct),
    }
    if len(correct) > 1:
        row["accuracy_std"] = correct.mean(axis=1).std(ddof=1)
    row |= _probe_row(scores.probe, raw.probe) | _membership_row(scores.membership)
    for attack, rate in scores.shadows.items():
        keys = (f"membership_{attack}_{end}" for end in ("tpr_at_fpr01", "low", "high"))
        row |= dict(zip(keys, rate, strict=True))
    if scores is raw:
        return rounded(row)
    p_values: dict[str, float] = {}
    for images, right in zip(ACCURACIES, (correct, scores.correct_anonymized), strict=True):
        differences = raw.correct.astype(float) - right
        row |= drop_row(differences, images)
        p_value = paired_p_value(differences)
        p_values |= {} if p_value is None else {f"p_value_{images}_uncorrected": p_value}
    row["accuracy_drop"] = max(row[f"accuracy_drop_{images}"] for images in deployments(deployed_on))
    return rounded(row) | p_values


def deployments(deployed_on: str) -> tuple[str, ...]:
    """Return which images `compare.deployed_on` names."""
    return tuple(ACCURACIES) if deployed_on == "both" else (deployed_on,)


def _accuracy(name: str, correct: np.ndarray) -> dict[str, float]:
    low, high = accuracy_interval(correct)
    return {name: correct.mean(), f"{name}_low": low, f"{name}_high": high}


def drop_row(differences: np.ndarray, images: str) -> dict[str, float]:
    """Return the drop in accuracy, its interval, its limits, and what of its error comes from runs and from images."""
    drop, name = crossed_estimate(differences, least=-1, most=1), f"accuracy_drop_{images}"
    ends = zip(("low", "high", "least", "most"), drop.limits() + drop.limits(LIMIT_TAIL), strict=True)
    errors = {f"{name}_error_of_runs": drop.error_of_runs, f"{name}_error_of_images": drop.error_of_images}
    return {name: drop.mean} | {f"{name}_{end}": value for end, value in ends} | errors


def _probe_row(found: Probe | None, raw: Probe | None) -> dict[str, float]:
    if found is None or raw is None:
        return {}
    right, right_of_raw = (np.equal(probe.predictions, probe.labels).mean() for probe in (found, raw))
    own = np.equal(found.predictions_anonymized, found.labels_anonymized).mean()
    return {"probe_accuracy": right, "probe_drop": right_of_raw - right, "probe_accuracy_anonymized": own}


def _membership_row(found: MembershipScores | None) -> dict[str, float]:
    if found is None:
        return {}
    estimate = crossed_estimate(np.array(found.placements), least=0, most=1)
    low, high = estimate.limits()
    row = {"membership_auc": estimate.mean, "membership_low": low, "membership_high": high}
    row |= {f"membership_auc_{attack}": area for attack, area in found.auc.items()}
    return row | ({"membership_tpr_at_fpr1": fmean(found.tpr_at_fpr1)} if found.tpr_at_fpr1 else {})


def correct_p_values(table: pd.DataFrame) -> None:
    """Add p-values that are corrected for the number of variants in a table, where there are any."""
    for images in ACCURACIES:
        if (uncorrected := f"p_value_{images}_uncorrected") in table:
            table[f"p_value_{images}"] = corrected_p_values(table[uncorrected])


def corrected_p_values(uncorrected: pd.Series) -> pd.Series:
    """Correct p-values for their number, so that any false alarm is as rare as each says (Holm 1979); NaN stays.

    Rounded, and at least 0.0001, as a chance is never zero.
    """
    tested = uncorrected.dropna().astype(float).sort_values(kind="stable")
    corrected = (tested * np.arange(len(tested), 0, -1)).cummax().clip(upper=1)
    return corrected.round(4).clip(lower=_SMALLEST_P_VALUE).reindex(uncorrected.index)


def confusion_counts(scores: Utility) -> np.ndarray:
    """Return how often the networks predict each class, in columns, for images of each class, in rows."""
    predictions = np.concatenate(scores.predictions)
    return confusion_matrix(
        np.tile(scores.labels, len(scores.predictions)), predictions, labels=range(len(scores.classes))
    )


def confusion_shares(scores: Utility) -> np.ndarray:
    """Return the same in shares of each row."""
    counts = confusion_counts(scores)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def accuracy_interval(correct: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean accuracy over runs and images; with one run Wilson's, over images."""
    if len(correct) == 1:
        return wilson_interval(int(correct.sum()), correct.shape[1])
    return crossed_estimate(correct.astype(float), least=0, most=1).limits()


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Return how far confidence and accuracy are apart on average (Guo et al., ICML 2017); bins hold their upper end.

    Examples
    --------
    >>> expected_calibration_error(np.array([[0.75, 0.25]] * 4), np.array([0, 0, 0, 1]))
    0.0
    >>> round(expected_calibration_error(np.array([[0.6, 0.4]] * 4 + [[1, 0]] * 2), np.array([0, 0, 0, 1, 0, 1])), 6)
    0.266667
    """
    confidence = probabilities.max(axis=1).astype(float)
    right = probabilities.argmax(axis=1) == labels
    numbers = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(numbers, right - confidence)).sum() / len(labels))
