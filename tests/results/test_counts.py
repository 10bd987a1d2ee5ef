"""Images and people named: what counts, and what guessing is worth."""

import numpy as np
import pytest

from stages.results.counts import Verdicts, images_named, most_exposed, people_named, strongest_by_chance


def asked(people, images):
    return np.repeat(np.arange(people), images)


def named_by_chance(people, images, seed=0):
    labels = asked(people, images)
    return Verdicts(labels, np.random.default_rng(seed).integers(people, size=len(labels)))


def test_a_tie_between_k_names_counts_one_kth():
    verdicts = Verdicts(np.array([5, 5, 7, 7, 7]), np.array([5, 7, 5, 7, 9]))
    assert people_named(verdicts).share == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_a_majority_names_people_whose_images_are_named_in_part():
    people = asked(4, 3)
    verdicts = Verdicts(people, np.where(np.arange(12) % 3 == 2, (people + 1) % 4, people))
    assert images_named(verdicts).share == pytest.approx(2 / 3)
    assert people_named(verdicts).share == 1
    assert most_exposed(verdicts) == pytest.approx(2 / 3)


@pytest.mark.parametrize("people", [5, 16, 1000])
def test_one_name_for_all_images_has_no_advantage_over_guessing(people):
    labels = asked(people, max(20, 800 // people))
    constant = Verdicts(labels, np.zeros_like(labels))
    assert images_named(constant).share == pytest.approx(1 / people)
    assert images_named(constant).advantage_most < 0.1
    assert people_named(constant).advantage_most < 0.1


@pytest.mark.parametrize("people", [2, 5])
def test_none_named_of_few_people_proves_little(people):
    labels = asked(people, 1)
    found = people_named(Verdicts(labels, (labels + 1) % people))
    assert found.share == 0 and found.advantage_most > 0.25
    assert found.most == pytest.approx(1 - 0.05 ** (1 / people), abs=1e-6)


def test_naming_everyone_has_the_whole_advantage():
    labels = asked(16, 20)
    for found in (images_named(Verdicts(labels, labels)), people_named(Verdicts(labels, labels))):
        assert found.advantage == found.advantage_most == found.high == 1
        assert found.advantage_least > 0.7


def test_names_need_not_be_those_of_the_people_asked():
    verdicts = Verdicts(np.array([3, 3, 9, 9]), np.array([100, 3, 100, 100]))
    assert images_named(verdicts).share == 0.25
    assert most_exposed(verdicts) == 0.5


def test_weak_knowledge_of_many_images_is_seen_in_the_limit_of_people():
    # Each image is named right hardly more often than by chance, but the vote over 25 of them names many people.
    rng = np.random.default_rng(0)
    labels = asked(16, 25)
    weak = Verdicts(labels, np.where(rng.random(len(labels)) < 0.12, labels, rng.integers(16, size=len(labels))))
    assert images_named(weak).advantage_most < 0.25 < people_named(weak).advantage_most


def test_the_strongest_of_several_gets_more_by_chance_than_one():
    attacks = [named_by_chance(16, 5, seed) for seed in range(6)]
    assert strongest_by_chance(attacks[:1]) == pytest.approx(1 / 16, abs=0.01)
    assert strongest_by_chance(attacks) > 1.5 / 16
    # Attackers who always agree are one.
    assert strongest_by_chance(attacks[:1] * 6) == strongest_by_chance(attacks[:1])


def test_ties_name_no_more_people_than_chance():
    shares = [people_named(named_by_chance(16, 25, seed)).share for seed in range(200)]
    assert np.mean(shares) == pytest.approx(1 / 16, abs=0.01)
