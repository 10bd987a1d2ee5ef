"""Calibration: answers that are known by heart, and what must not change them."""

import numpy as np
import pytest

from stages.results.calibration import brier_score, expected_calibration_error


def sure(*confidence: float) -> np.ndarray:
    """Return probabilities of two classes, of which the first is predicted."""
    return np.array([[one, 1 - one] for one in confidence])


def test_over_and_underconfident_bins_do_not_cancel():
    # One bin is 0.2 too sure, the other 0.1 too unsure; they hold a half of the images each.
    probabilities, labels = sure(*[0.7] * 10, *[0.9] * 10), np.array([0] * 5 + [1] * 5 + [0] * 10)
    assert expected_calibration_error(probabilities, labels) == pytest.approx((0.2 + 0.1) / 2)
    assert expected_calibration_error(probabilities, labels, bins=1) == pytest.approx(0.8 - 0.75)


def test_a_bin_holds_its_upper_end_and_certainty_has_a_bin():
    probabilities, labels = sure(0.6, 0.8, 1.0), np.array([0, 1, 0])
    # With 5 bins 0.6, 0.8 and 1.0 are ends; with 0.8 in the bin of 1.0, two images would share an error of 0.4.
    assert expected_calibration_error(probabilities, labels, bins=5) == pytest.approx((0.4 + 0.8 + 0) / 3)


def test_probabilities_drawn_from_themselves_are_calibrated():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 50_000).astype(np.float32)
    labels = (probabilities.cumsum(axis=1) > rng.random((len(probabilities), 1))).argmax(axis=1)
    assert expected_calibration_error(probabilities, labels) < 0.01
    assert expected_calibration_error(probabilities**4 / (probabilities**4).sum(axis=1)[:, None], labels) > 0.1
    assert brier_score(probabilities, labels) == pytest.approx(1 - (probabilities**2).sum(axis=1).mean(), abs=0.01)


def test_a_uniform_guess_of_four_classes_has_a_brier_score_of_three_quarters():
    assert brier_score(np.full((3, 4), 0.25), np.array([0, 1, 3])) == 0.75
