"""The statistics: intervals of shares, of differences, and of what an attacker names."""

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest

from stages.results.statistics import (
    Verdicts,
    images_named,
    most_exposed,
    paired_difference_interval,
    paired_p_value,
    people_named,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_is_as_published(successes, trials, low, high):
    # Newcombe: Two-sided confidence intervals for the single proportion. Statistics in Medicine 17, 1998, table I.
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("trials", [1, 7, 400])
def test_wilson_interval_mirrors_and_stays_a_share(trials):
    for successes in range(0, trials + 1, max(1, trials // 7)):
        low, high = wilson_interval(successes, trials)
        assert -1e-12 <= low <= successes / trials <= high <= 1 + 1e-12
        assert wilson_interval(trials - successes, trials) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("worse", "better"), [(0, 1), (3, 9), (10, 0), (5, 5), (40, 60), (150, 250)])
def test_one_seed_gives_mcnemars_exact_test(worse, better):
    reference = np.array([[True] * worse + [False] * better + [True] * 20 + [False] * 20])
    correct = np.array([[False] * worse + [True] * better + [True] * 20 + [False] * 20])
    expected = binomtest(worse, worse + better).pvalue
    assert paired_p_value(correct, reference) == pytest.approx(expected)
    assert paired_p_value(reference, correct) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(8))
def test_several_seeds_give_the_permutation_test(seed):
    correct, reference = np.random.default_rng(seed).random((2, 3, 10)) < [[[0.6]], [[0.4]]]
    differences = correct.sum(axis=0) - reference.sum(axis=0)
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((-1, 1), repeat=10)]
    assert paired_p_value(correct, reference) == pytest.approx(np.mean(np.array(sums) >= abs(differences.sum())))


@pytest.mark.parametrize("seeds", [1, 3])
def test_same_predictions_are_no_difference(seeds):
    correct = np.random.default_rng(0).random((seeds, 50)) < 0.5
    assert paired_p_value(correct, correct) == 1


def test_p_value_is_small_for_a_large_difference_on_many_images():
    correct = np.zeros((2, 20_000), bool)
    assert 0 <= paired_p_value(correct, ~correct) < 1e-12


@pytest.mark.parametrize("images", [16, 100, 400])
def test_the_interval_of_the_drop_covers_the_true_one(images):
    rng = np.random.default_rng(images)
    covered = 0
    for _ in range(1000):
        reference = rng.random((1, images)) < 0.9
        correct = reference & (rng.random((1, images)) < 0.9)
        low, high = paired_difference_interval(correct, reference)
        covered += low <= 0.09 <= high
    assert covered >= 930
    assert covered <= 980 or images == 16  # of so few, counts are too coarse


def test_networks_that_never_differ_on_few_images_may_differ_on_others():
    same = np.ones((1, 16), bool)
    low, high = paired_difference_interval(same, same)
    assert -low == high > 0.1
    many = np.ones((1, 4000), bool)
    assert paired_difference_interval(many, many)[1] < 0.001


def simulated(rng, skill, people=16, images=25, spread=0.0):
    """Return verdicts of an attacker who knows each person's images with a probability of that person's own."""
    who = np.repeat(np.arange(people), images)
    own = np.clip(skill + rng.normal(0, spread, people), 0, 1)[who]
    return Verdicts(who, np.where(rng.random(len(who)) < own, who, rng.integers(people, size=len(who))))


def test_the_interval_of_images_covers_what_other_people_would_give():
    rng = np.random.default_rng(0)
    truth = 0.5 + 0.5 / 16
    wide = covered = covered_by_wilson = 0
    for _ in range(200):
        verdicts = simulated(rng, 0.5, spread=0.15)
        named = images_named(verdicts)
        right = int((verdicts.people == verdicts.named).sum())
        low, high = wilson_interval(right, len(verdicts.people))
        wide += (named.high - named.low) / (high - low) / 200
        covered += named.low <= truth <= named.high
        covered_by_wilson += low <= truth <= high
    assert covered >= 180 > covered_by_wilson
    assert wide > 1.3


def test_the_interval_is_never_narrower_than_that_of_independent_images():
    everyone = Verdicts(np.arange(100) % 4, np.arange(100) % 4)
    named = images_named(everyone)
    assert (named.share, named.low) == (1, pytest.approx(wilson_interval(100, 100)[0]))


def test_a_majority_names_people_whose_images_are_named_by_halves():
    # Each person's three images: two named right, one wrong.
    people = np.repeat(np.arange(4), 3)
    named = np.where(np.arange(12) % 3 == 2, (people + 1) % 4, people)
    verdicts = Verdicts(people, named)
    assert images_named(verdicts).share == pytest.approx(2 / 3)
    assert people_named(verdicts)[:3] == (1, *wilson_interval(4, 4))
    assert most_exposed(verdicts) == pytest.approx(2 / 3)


def test_a_tie_counts_as_named():
    assert people_named(Verdicts(np.array([5, 5, 7]), np.array([5, 7, 5]))).share == 0.5


@pytest.mark.parametrize("people", [2, 16, 1000])
def test_one_name_for_all_images_has_no_advantage_over_guessing(people):
    who = np.repeat(np.arange(people), max(20, 800 // people))
    constant = Verdicts(who, np.zeros_like(who))
    assert images_named(constant).advantage_high < 0.1
    assert people_named(constant).advantage_high == 0


def test_naming_everyone_has_the_whole_advantage():
    who = np.repeat(np.arange(2), 20)
    assert images_named(Verdicts(who, who)).advantage_high == 1
    assert people_named(Verdicts(who, who)).advantage_high == 1
    alone = np.zeros(20, int)
    assert images_named(Verdicts(alone, alone)).advantage_high == 1


def test_names_need_not_be_those_of_the_people_asked():
    verdicts = Verdicts(np.array([3, 3, 9, 9]), np.array([100, 3, 100, 100]))
    assert images_named(verdicts).share == 0.25
    assert most_exposed(verdicts) == 0.5


def test_the_advantage_of_a_skilled_attacker_is_its_skill():
    verdicts = simulated(np.random.default_rng(1), 0.4, people=200, images=5)
    assert 0.4 < images_named(verdicts).advantage_high < 0.47
