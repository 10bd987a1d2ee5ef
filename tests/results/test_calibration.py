"""The calibration error, on probabilities known by heart."""

import numpy as np
import pytest

from stages.results.calibration import expected_calibration_error


def test_bins_count_with_their_share_of_the_images_and_hold_their_upper_end():
    # Confidence 0.6, three of four right; confidence 1, one of two right.
    probabilities = np.array([[0.6, 0.4]] * 4 + [[1.0, 0.0]] * 2)
    labels = np.array([0, 0, 0, 1, 0, 1])
    assert expected_calibration_error(probabilities, labels) == pytest.approx((4 * 0.15 + 2 * 0.5) / 6)
