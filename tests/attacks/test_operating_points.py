"""Operating points: answers that are known by heart, and chance where there is nothing to know."""

import numpy as np
import pytest

from stages.attacks import operating_points as module
from stages.attacks.identity import train_identifier
from stages.attacks.operating_points import measure_operating_points, operating_points
from tests.attacks.test_identity import portraits


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


@pytest.fixture(scope="module")
def known():
    return train_identifier(*portraits(6, 0), seed=0), *portraits(20, 1)


def test_people_who_are_recognized_are_found_and_shuffled_labels_are_at_chance(known):
    identifier, images, who = known
    assert measure_operating_points(identifier, images, who)["auc"] > 0.99
    assert measure_operating_points(identifier, images, who)["tpr_at_fpr1"] > 0.9
    shuffled = measure_operating_points(identifier, images, np.random.default_rng(0).permutation(who))
    assert shuffled["auc"] == pytest.approx(0.5, abs=0.05)
    assert shuffled["rank5"] == pytest.approx(5 / 6, abs=0.1)


def test_the_nearest_is_the_one_who_is_named_whatever_the_numbers_of_people(known):
    identifier, images, who = known
    assert np.array_equal(identifier.people[identifier.distances(images).argmin(axis=1)], identifier.predict(images))
    renamed = train_identifier(portraits(6, 0)[0], 70 - 7 * portraits(6, 0)[1], seed=0)
    assert measure_operating_points(renamed, images, 70 - 7 * who)["auc"] == pytest.approx(
        measure_operating_points(identifier, images, who)["auc"]
    )


def test_of_too_many_pairs_images_are_drawn(known, monkeypatch):
    identifier, images, who = known
    seen = []
    monkeypatch.setattr(module, "operating_points", lambda distances, right: seen.append((distances, right)))
    monkeypatch.setattr(module, "MOST_PAIRS", 100)
    measure_operating_points(identifier, images, who)
    ((distances, right),) = seen
    assert distances.shape == (16, 6)
    assert (distances.argmin(axis=1) == right).mean() > 0.8
