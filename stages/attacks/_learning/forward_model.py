"""What a method makes of an image's features: a linear map and the covariance of what it misses, learned from pairs."""

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.covariance import ledoit_wolf

ROUNDING_VARIANCE = 1 / 255**2 / 12  # of a value rounded to whole grey levels, with white at 1
# Relative to the number of pairs; the first one changes nothing, and wins ties.
PENALTIES = (np.inf, 1.0, 0.1, 0.01, 0.001)
STANDARD_ERRORS = 3  # by which a feature's correlation must differ from 0


class ForwardModel:
    """The Gaussian likelihood of an anonymized image, given its original; learned from features (pairs, length).

    Each feature is predicted by itself, which takes few pairs to learn, then ridge regression on all features corrects
    what is left. The penalty and the covariance of the errors come from predictions of each pair by the others. At most
    `most` features are kept, those that survive best, and none that does not survive at all.

    >>> raw = np.random.default_rng(0).random((50, 3))
    >>> model = ForwardModel(raw, 0.5 * raw + 0.2, most=3)
    >>> errors = model.place(raw * 0.5 + 0.2) - model.predict(raw)
    >>> float(np.abs(errors).max()) < 0.1
    True
    """

    def __init__(self, raw: np.ndarray, anonymized: np.ndarray, most: int):
        self._raw_mean, self._mean = raw.mean(axis=0, dtype=float), anonymized.mean(axis=0, dtype=float)
        raw, anonymized = raw - self._raw_mean, anonymized - self._mean
        power, kept = (raw**2).mean(axis=0), (raw * anonymized).mean(axis=0)
        gain = kept / np.maximum(power, np.finfo(float).tiny)
        spare = max(len(raw) - 2, 1) / len(raw)
        error = np.maximum((anonymized**2).mean(axis=0) - gain * kept, 0) / spare + ROUNDING_VARIANCE
        strength = gain * kept / error
        found = np.flatnonzero(strength > STANDARD_ERRORS**2 / len(raw))
        self._chosen = np.sort(found[np.argsort(-strength[found], kind="stable")[:most]])
        self._error = np.sqrt(error[self._chosen])
        inputs = raw[:, self._chosen] / np.sqrt(power[self._chosen])
        scaled = gain[self._chosen] / self._error
        goal = anonymized[:, self._chosen] / self._error - raw[:, self._chosen] * scaled
        weights, missed = _ridge(inputs, goal)
        self._map = np.diag(scaled) + weights / np.sqrt(power[self._chosen])[:, None]
        self._factor = _root(missed)

    def place(self, anonymized: np.ndarray) -> np.ndarray:
        """Return the places of anonymized images, (images, dimensions): unlikely ones are far from their prediction.

        The squared distance to a row of `predict` is twice the negative logarithm of the likelihood, but for a
        constant. Without any feature that survives there are no dimensions, and all are equally likely.
        """
        return self._whitened((anonymized[:, self._chosen] - self._mean[self._chosen]) / self._error)

    def predict(self, raw: np.ndarray) -> np.ndarray:
        """Return where the anonymized versions of originals are expected, (images, dimensions)."""
        return self._whitened((raw[:, self._chosen] - self._raw_mean[self._chosen]) @ self._map)

    def _whitened(self, places: np.ndarray) -> np.ndarray:
        return solve_triangular(self._factor, places.T, lower=True).T if places.size else places


def _ridge(inputs: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the map with the best penalty, and what each pair's prediction by the others misses."""
    values, vectors = np.linalg.eigh(inputs.T @ inputs)
    turned = inputs @ vectors
    moments = turned.T @ goal
    best = np.zeros_like(moments), goal
    for penalty in PENALTIES[1:]:
        shrunk = 1 / (np.maximum(values, 0) + penalty * len(inputs))
        leverage = (turned**2) @ shrunk
        missed = (goal - turned @ (shrunk[:, None] * moments)) / np.maximum(1 - leverage, 0.01)[:, None]
        if (missed**2).sum() < (best[1] ** 2).sum():
            best = vectors @ (shrunk[:, None] * moments), missed
    return best


def _root(missed: np.ndarray) -> np.ndarray:
    # The covariance's diagonal is near 1, or 0 where nothing but rounding is missed.
    if not missed.shape[1]:
        return np.eye(0)
    covariance, _ = ledoit_wolf(missed, assume_centered=True)
    return np.linalg.cholesky(covariance + 1e-6 * np.eye(len(covariance)))
