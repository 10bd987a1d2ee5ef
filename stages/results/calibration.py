"""How far a network's probabilities can be trusted: expected calibration error and Brier score."""

import numpy as np


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Return how far confidence and accuracy are apart, on average over images.

    Images are put into bins of equal width by the probability of the class that is predicted. Each bin counts with its
    share of the images.

    Parameters
    ----------
    probabilities : numpy.ndarray
        (images, classes) float.
    labels : numpy.ndarray
        (images,) int.
    bins : int, default=15
        How many; each holds its upper end.

    Returns
    -------
    float
        From 0, the accuracy of each bin is its mean confidence, to 1.

    References
    ----------
    Naeini, Cooper, Hauskrecht: Obtaining well calibrated probabilities using Bayesian binning. AAAI 2015.
    Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks. ICML 2017.

    Examples
    --------
    >>> probabilities = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.75, 0.25]])
    >>> expected_calibration_error(probabilities, np.array([0, 0, 0, 1]))
    0.0
    >>> expected_calibration_error(probabilities, np.array([1, 1, 1, 1]))
    0.75
    """
    confidence = probabilities.max(axis=1).astype(float)
    right = probabilities.argmax(axis=1) == labels
    numbers = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(numbers, right - confidence)).sum() / len(labels))


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the squared error of the probabilities, summed over classes, mean over images.

    Parameters
    ----------
    probabilities : numpy.ndarray
        (images, classes) float.
    labels : numpy.ndarray
        (images,) int.

    Returns
    -------
    float
        From 0, always sure and right, to 2, always sure and wrong.

    References
    ----------
    Brier: Verification of forecasts expressed in terms of probability. Monthly Weather Review 78(1), 1950.

    Examples
    --------
    >>> brier_score(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 1]))
    1.25
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities.astype(float) - truth) ** 2).sum(axis=1).mean())
