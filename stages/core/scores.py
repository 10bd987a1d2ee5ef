"""The statistics behind the metrics, and the files in `data/scores/` that they are computed from."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.stats import binom, binomtest
from sklearn.metrics import f1_score

SCORES = Path("data/scores")
# What `metrics/<dataset>.json` holds, in this order; `dvc metrics show` has a column for each.
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
    "reconstruction_psnr_gain",
    "reconstruction_ssim",
    "keypoint_survival",
)
# Weaker on raw images than this, an identity attacker proves nothing about anonymized ones.
CONVINCING_ACCURACY = 0.8


def utility_file(dataset: str) -> Path:
    """Return the file with a data set's predictions on the test images."""
    return SCORES / "utility" / f"{dataset}.json"


def read_utility(dataset: str) -> dict:
    """Read a data set's predictions, as `evaluate` wrote them."""
    return json.loads(utility_file(dataset).read_text(encoding="utf-8"))


def privacy_file(dataset: str) -> Path:
    """Return the file with what the attacks learned of a data set's test images."""
    return SCORES / "privacy" / f"{dataset}.json"


def read_privacy(dataset: str) -> dict:
    """Read what the attacks learned of a data set, as `attack` wrote it."""
    return json.loads(privacy_file(dataset).read_text(encoding="utf-8"))


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share.

    Parameters
    ----------
    successes, trials : int
        Counts, at least one trial.

    Returns
    -------
    tuple of float
        Lower and upper bound.

    References
    ----------
    Wilson: Probable inference, the law of succession, and statistical inference. JASA 22, 1927.

    Examples
    --------
    >>> [round(bound, 4) for bound in wilson_interval(8, 10)]
    [0.4902, 0.9433]
    """
    interval = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def paired_p_value(correct: np.ndarray, reference: np.ndarray) -> float:
    """Test whether two models are right equally often on the same images.

    The exact McNemar test where each model was trained once. With several seeds an image's difference is the number
    of right networks minus that of the reference; its sign is flipped in all ways (an exact paired permutation test,
    the same as McNemar's where all differences are -1, 0 or 1).

    Parameters
    ----------
    correct, reference : numpy.ndarray
        (seeds, images) bool.

    Returns
    -------
    float
        Two-sided p-value; 1 if the models never differ.

    References
    ----------
    McNemar: Note on the sampling error of the difference between correlated proportions. Psychometrika 12, 1947.

    Examples
    --------
    >>> reference = np.ones((1, 10), bool)
    >>> correct = reference.copy()
    >>> correct[0, :6] = False
    >>> round(paired_p_value(correct, reference), 6)
    0.03125
    """
    differences = correct.sum(axis=0, dtype=int) - reference.sum(axis=0, dtype=int)
    observed = abs(int(differences.sum()))
    # Distribution of the sum under random signs: for each size a scaled binomial, all convolved.
    total = int(np.abs(differences).sum())
    distribution = np.ones(1)
    for size, count in Counter(np.abs(differences[differences != 0]).tolist()).items():
        spread = np.zeros(2 * size * count + 1)
        spread[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        distribution = np.convolve(distribution, spread)
    sums = np.arange(-total, total + 1)
    return min(1.0, float(distribution[np.abs(sums) >= observed].sum()))


def utility_row(scores: dict, raw: dict) -> dict[str, float]:
    """Compute the utility metrics of one data set.

    Parameters
    ----------
    scores, raw : dict
        Predictions of the data set's networks and of those trained on raw images, as `evaluate` wrote them.

    Returns
    -------
    dict of str to float
        Flat, rounded to 4 decimals: accuracy, accuracy_ci95, accuracy_std (with several seeds), accuracy_drop,
        p_value, accuracy_anonymized, macro_f1, loss.
    """
    correct, reference = correct_predictions(scores), correct_predictions(raw)
    low, high = accuracy_interval(correct)
    labels, predictions = np.array(scores["labels"]), np.array(scores["predictions"])
    row = {
        "accuracy": correct.mean(),
        "accuracy_ci95": (high - low) / 2,
        "accuracy_drop": reference.mean() - correct.mean(),
        "p_value": paired_p_value(correct, reference),
        "accuracy_anonymized": np.mean(
            np.array(scores["predictions_anonymized"]) == np.array(scores["labels_anonymized"])
        ),
        "macro_f1": np.mean([f1_score(labels, one, average="macro", zero_division=0) for one in predictions]),
        "loss": np.mean(scores["loss"]),
    }
    if len(correct) > 1:
        row["accuracy_std"] = correct.mean(axis=1).std(ddof=1)
    return _rounded(row)


def privacy_row(scores: dict) -> dict[str, float]:
    """Compute the privacy metrics of one data set.

    Parameters
    ----------
    scores : dict
        What the attacks learned, as `attack` wrote it.

    Returns
    -------
    dict of str to float
        Flat, rounded to 4 decimals: identity_accuracy, identity_accuracy_ci95, identity_accuracy_naive,
        identity_accuracy_restored, identity_chance, reconstruction_psnr_gain (dB), reconstruction_ssim,
        keypoint_survival, unchanged_pixels. What could not be measured is absent.
    """
    row = {}
    if "identity" in scores:
        identity = scores["identity"]
        low, high = identity_interval(scores)
        row = {
            "identity_accuracy": np.mean(identity["informed"]),
            "identity_accuracy_ci95": (high - low) / 2,
            "identity_accuracy_naive": np.mean(identity["naive"]),
            "identity_accuracy_restored": np.mean(identity["restored"]),
            "identity_chance": identity["chance"],
        }
    row["reconstruction_psnr_gain"] = np.mean(np.subtract(scores["psnr_restored"], scores["psnr"]))
    row["reconstruction_ssim"] = np.mean(scores["ssim_restored"])
    survived = [share for share in scores["keypoint_survival"] if share is not None]
    if survived:
        row["keypoint_survival"] = np.mean(survived)
    row["unchanged_pixels"] = np.mean(scores["unchanged_pixels"])
    return _rounded(row)


def identity_interval(scores: dict) -> tuple[float, float]:
    """Return the Wilson interval of the informed attacker's accuracy."""
    informed = scores["identity"]["informed"]
    return wilson_interval(sum(informed), len(informed))


def correct_predictions(scores: dict) -> np.ndarray:
    """Return which raw test images each network got right, (seeds, images) bool."""
    return np.array(scores["predictions"]) == np.array(scores["labels"])


def accuracy_interval(correct: np.ndarray) -> tuple[float, float]:
    """Return the Wilson interval of the mean accuracy over seeds; more seeds do not make more test images."""
    return wilson_interval(round(float(correct.mean(axis=0).sum())), correct.shape[1])


def _rounded(row: dict) -> dict[str, float]:
    # Adding 0 makes 0 of -0.
    return {key: round(float(value), 4) + 0.0 for key, value in row.items()}
