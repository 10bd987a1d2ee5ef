"""Operating points: answers that are known by heart, and chance where there is nothing to know."""

from types import SimpleNamespace

import numpy as np
import pytest

from stages.attacks._learning.ranks import true_positive_rate
from stages.attacks.operating_points import measure_operating_points, operating_points


def test_the_right_person_on_a_list_counts_up_to_the_fifth_place():
    distances = np.tile(np.arange(8.0), (8, 1))  # each image is nearest to person 0, then to 1, and so on
    assert operating_points(distances, np.arange(8))["rank5"] == 5 / 8
    assert "rank5" not in operating_points(distances[:, :5], np.arange(8) % 5)


def test_equal_distances_know_nothing():
    points = operating_points(np.ones((40, 10)), np.arange(40) % 10)
    assert points == {"rank5": 0.5, "auc": 0.5, "tpr_at_fpr1": 0}


def test_at_one_percent_no_more_than_one_wrong_pair_in_a_hundred_is_taken():
    # 25 images of 5 people: 100 wrong pairs, the nearest at 0.15 and 0.35, and right ones at 0.1, 0.2, 0.3 and so on.
    distances, right = np.full((25, 5), 9.0), np.arange(25) % 5
    distances[np.arange(25), right] = np.arange(1, 26) / 10
    distances[[0, 1], [1, 2]] = 0.15, 0.35
    assert operating_points(distances, right)["tpr_at_fpr1"] == 3 / 25


@pytest.mark.parametrize(("above", "rate"), [(9, 1), (12, 0)])
def test_at_most_one_in_a_hundred_wrong_pairs_is_accepted(above, rate):
    scores = np.arange(1000)
    assert true_positive_rate(scores == 999 - above, scores) == rate


def test_people_have_any_numbers():
    identifier = SimpleNamespace(people=np.array([3, 9]), distances=lambda images: images)
    assert measure_operating_points(identifier, np.array([[0, 2], [2, 1]]), np.array([3, 9]))["auc"] == 1
