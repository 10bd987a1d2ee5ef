"""The metrics of what was learned from one data set, computed from predictions."""

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, f1_score

from stages.results.scores import rounded
from stages.results.statistics import LIMIT_TAIL, crossed_estimate, holm, paired_p_value, wilson_interval

_SMALLEST_P_VALUE = 0.0001  # written for smaller ones


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
        Rounded to 4 decimals; explained in `stages.results.columns`. Where `scores` is not `raw` itself, and there are
        enough seeds, p_value_uncorrected, not rounded.
    """
    correct, reference = correct_predictions(scores), correct_predictions(raw)
    low, high = accuracy_interval(correct)
    differences = reference.astype(float) - correct
    own = np.array(scores["predictions_anonymized"]) == np.array(scores["labels_anonymized"])
    row = {
        "accuracy": correct.mean(),
        "accuracy_low": low,
        "accuracy_high": high,
        "accuracy_anonymized": own.mean(),
        "macro_f1": np.mean([f1_score(scores["labels"], run, average="macro") for run in scores["predictions"]]),
        "loss": np.mean(scores["loss"]),
        "expected_calibration_error": np.mean(scores["ece"]),
        "brier_score": np.mean(scores["brier"]),
        "commonest_class": np.bincount(scores["labels"]).max() / len(scores["labels"]),
        "seeds": len(correct),
    }
    if len(correct) > 1:
        row["accuracy_std"] = correct.mean(axis=1).std(ddof=1)
    row |= _probe_row(scores.get("probe"), raw.get("probe")) | _membership_row(scores.get("membership"))
    if scores is raw:
        return rounded(row)
    p_value = paired_p_value(differences)
    return rounded(row | drop_row(differences)) | ({} if p_value is None else {"p_value_uncorrected": p_value})


def drop_row(differences: np.ndarray) -> dict[str, float]:
    """Return the drop in accuracy, its interval, its limits, and what of its error comes from runs and from images."""
    drop = crossed_estimate(differences, least=-1, most=1)
    names = ("low", "high", "least", "most")
    ends = dict(zip(names, drop.limits() + drop.limits(LIMIT_TAIL), strict=True))
    errors = {"drop_error_of_runs": drop.error_of_runs, "drop_error_of_images": drop.error_of_images}
    return {"accuracy_drop": drop.mean} | {f"accuracy_drop_{name}": end for name, end in ends.items()} | errors


def _probe_row(found: dict | None, raw: dict | None) -> dict[str, float]:
    if found is None or raw is None:
        return {}
    right, right_of_raw = (np.equal(one["predictions"], one["labels"]).mean() for one in (found, raw))
    own = np.equal(found["predictions_anonymized"], found["labels_anonymized"]).mean()
    return {"probe_accuracy": right, "probe_drop": right_of_raw - right, "probe_accuracy_anonymized": own}


def _membership_row(found: dict | None) -> dict[str, float]:
    if found is None:
        return {}
    estimate = crossed_estimate(np.array(found["placements"]), least=0, most=1)
    low, high = estimate.limits()
    row = {"membership_auc": estimate.mean, "membership_low": low, "membership_high": high}
    row |= {f"membership_auc_{attack}": area for attack, area in found["auc"].items()}
    if "tpr_at_fpr1" in found:
        row["membership_tpr_at_fpr1"] = np.mean(found["tpr_at_fpr1"])
    return row


def corrected_p_values(uncorrected: pd.Series) -> pd.Series:
    """Correct p-values for their number (Holm); rounded, at least 0.0001, as a chance is never zero; NaN stays."""
    tested = uncorrected.dropna()
    corrected = pd.Series(holm(tested.tolist()), tested.index, float).round(4).clip(lower=_SMALLEST_P_VALUE)
    return corrected.reindex(uncorrected.index)


def confusion_shares(scores: dict) -> np.ndarray:
    """Return how often the networks take each class, in rows, for which, in shares of the row."""
    predictions = np.concatenate(scores["predictions"])
    labels = np.tile(scores["labels"], len(scores["predictions"]))
    return confusion_matrix(labels, predictions, labels=range(len(scores["classes"])), normalize="true")


def correct_predictions(scores: dict) -> np.ndarray:
    """Return which raw test images each network got right, (seeds, images) bool."""
    return np.array(scores["predictions"]) == np.array(scores["labels"])


def accuracy_interval(correct: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the mean accuracy over runs and images; with one run Wilson's, over images."""
    if len(correct) == 1:
        return wilson_interval(int(correct.sum()), correct.shape[1])
    return crossed_estimate(correct.astype(float), least=0, most=1).limits()
