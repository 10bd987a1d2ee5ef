"""How far a network's probabilities can be trusted."""

import numpy as np


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Return how far confidence and accuracy are apart, on average over images, from 0 to 1.

    Images are put into bins of equal width by the probability of the class that is predicted; each holds its upper end.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks. ICML 2017.

    Examples
    --------
    >>> probabilities = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.75, 0.25]])
    >>> expected_calibration_error(probabilities, np.array([0, 0, 0, 1]))
    0.0
    """
    confidence = probabilities.max(axis=1).astype(float)
    right = probabilities.argmax(axis=1) == labels
    numbers = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(numbers, right - confidence)).sum() / len(labels))
