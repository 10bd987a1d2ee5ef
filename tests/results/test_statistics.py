"""The statistics: intervals of shares, of differences, and of what an attacker names."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from stages.results.naming import Verdicts, images_named, most_exposed, people_named
from stages.results.statistics import crossed_estimate, holm, macro_f1_estimate, paired_p_value, wilson_interval


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
def test_one_run_gives_mcnemars_exact_test(worse, better):
    reference = np.array([[True] * worse + [False] * better + [True] * 20 + [False] * 20])
    correct = np.array([[False] * worse + [True] * better + [True] * 20 + [False] * 20])
    expected = binomtest(worse, worse + better).pvalue
    assert paired_p_value(correct, reference) == pytest.approx(expected)
    assert paired_p_value(reference, correct) == pytest.approx(expected)


@pytest.mark.parametrize("runs", [1, 3])
def test_same_predictions_are_no_difference(runs):
    correct = np.random.default_rng(0).random((runs, 50)) < 0.5
    assert paired_p_value(correct, correct) == 1


def runs_on_images(rng, runs, images, *, of_runs, of_images=1.0):
    """Return which images each run gets right: both runs and images differ in skill and difficulty."""
    skill = 0.5 + of_runs * rng.normal(size=(runs, 1)) + of_images * rng.normal(size=images)
    return rng.random((runs, images)) < 1 / (1 + np.exp(-skill))


@pytest.mark.parametrize(
    ("runs", "of_runs", "least"), [(2, 0.5, 0.83), (3, 0.0, 0.93), (3, 0.15, 0.93), (3, 0.5, 0.89), (5, 0.5, 0.91)]
)
def test_the_interval_covers_what_other_runs_and_images_would_give(runs, of_runs, least):
    rng = np.random.default_rng(runs)
    truth = runs_on_images(rng, 2000, 2000, of_runs=of_runs).mean()
    covered = covered_by_images = 0
    for _ in range(400):
        values = runs_on_images(rng, runs, 200, of_runs=of_runs).astype(float)
        low, high = crossed_estimate(values, least=0, most=1)[1:3]
        covered += low <= truth <= high
        low, high = wilson_interval(round(values.mean(axis=0).sum()), 200)
        covered_by_images += low <= truth <= high
    assert covered >= least * 400
    if of_runs == 0.5:
        assert covered_by_images < covered


@pytest.mark.parametrize("images", [16, 100, 400])
def test_the_interval_of_the_drop_of_one_run_covers_the_true_one(images):
    rng = np.random.default_rng(images)
    covered = 0
    for _ in range(1000):
        reference = rng.random((1, images)) < 0.9
        correct = reference & (rng.random((1, images)) < 0.9)
        estimate = crossed_estimate(reference.astype(float) - correct, least=-1, most=1)
        covered += estimate.low <= 0.09 <= estimate.high
    assert covered >= 930
    assert covered <= 980 or images == 16  # of so few, counts are too coarse


@pytest.mark.parametrize("runs", [1, 3])
def test_what_never_varies_on_few_images_may_vary_on_others(runs):
    right = np.ones((runs, 16))
    low, high = crossed_estimate(right - right, least=-1, most=1)[1:3]
    assert -low == high > 0.1
    estimate = crossed_estimate(right, least=0, most=1)
    assert (estimate.mean, estimate.high) == (1, 1) and estimate.low < 0.9


def test_a_difference_is_as_unlikely_as_its_interval_says():
    rng = np.random.default_rng(0)
    values = rng.normal(0.1, 0.2, (3, 1)) + rng.normal(0, 0.5, 100)
    _, low, high, p_value = crossed_estimate(values, least=-1, most=1)
    middle, reach = (low + high) / 2, (high - low) / 2
    at_the_edge = crossed_estimate(values - middle + reach, least=-1, most=1)
    assert at_the_edge.low == pytest.approx(0, abs=0.01)
    assert at_the_edge.p_value == pytest.approx(0.05, abs=0.01)
    assert p_value > 0.05 if low < 0 < high else p_value < 0.05


def test_false_alarms_are_as_rare_as_p_says():
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(400):
        one, other = (runs_on_images(rng, 3, 100, of_runs=0.3, of_images=0) for _ in range(2))
        alarms += paired_p_value(one, other) < 0.05
    assert alarms <= 32


def test_holm_multiplies_the_smallest_by_their_number_and_keeps_their_order():
    assert holm([0.04, 0.001, 0.03, 0.9]) == pytest.approx([0.09, 0.004, 0.09, 0.9])
    assert holm([]) == []


def test_macro_f1_is_that_of_scikit_learn_and_its_interval_covers():
    rng = np.random.default_rng(0)

    def draw(runs, images):
        labels = rng.integers(3, size=images)
        wrong = rng.random((runs, images)) < rng.uniform(0.1, 0.5, (runs, 1))
        return np.where(wrong, rng.integers(3, size=(runs, images)), labels), labels

    predictions, labels = draw(2, 50)
    expected = np.mean([f1_score(labels, run, average="macro") for run in predictions])
    assert macro_f1_estimate(predictions, labels).mean == pytest.approx(expected)
    truth = macro_f1_estimate(*draw(400, 500)).mean
    estimates = [macro_f1_estimate(*draw(3, 60)) for _ in range(60)]
    assert sum(estimate.low <= truth <= estimate.high for estimate in estimates) >= 53


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
