"""The metrics of what networks learned from one data set, computed from their predictions."""

import numpy as np
import pandas as pd

from stages.results.scores import rounded
from stages.results.statistics import crossed_estimate, holm, macro_f1_estimate, paired_p_value, wilson_interval

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
        return rounded(row | {"accuracy_drop_low": 0, "accuracy_drop_high": 0})
    return rounded(row) | {"p_value_uncorrected": paired_p_value(correct, reference)}


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
