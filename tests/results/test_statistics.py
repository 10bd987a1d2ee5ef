"""The statistics: limits of shares and skills, of means over runs and images, and p-values."""

import numpy as np
import pytest
from scipy.stats import binomtest

from stages.results.statistics import crossed_estimate, paired_p_value, sign_test, skill_limits, wilson_interval


def limits_of(hits, trials, *, tail=0.025, guessed=0.0):
    hits, trials = np.array(hits, float), np.array(trials, float)
    return skill_limits(hits, trials, np.full(len(hits), guessed), tail)


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (0, 20), (3, 20), (20, 20), (1, 2)])
def test_independent_trials_have_exact_limits(hits, trials):
    exact = binomtest(hits, trials).proportion_ci(0.95, method="exact")
    found = limits_of([1] * hits + [0] * (trials - hits), [1] * trials)
    assert found == pytest.approx((exact.low, exact.high), abs=1e-6)


def test_guessing_is_taken_off_the_share():
    low, high = limits_of([1] * 12 + [0] * 8, [1] * 20)
    assert limits_of([1] * 12 + [0] * 8, [1] * 20, guessed=0.25) == pytest.approx(
        ((low - 0.25) / 0.75, (high - 0.25) / 0.75), abs=1e-6
    )


def test_trials_of_people_who_differ_count_as_fewer():
    alike, apart = limits_of([5] * 10, [10] * 10), limits_of([0] * 5 + [10] * 5, [10] * 10)
    assert apart[0] < alike[0] < 0.5 < alike[1] < apart[1]


def test_who_is_always_named_by_guessing_proves_nothing():
    assert skill_limits(np.array([3.0]), np.array([3.0]), np.ones(1), 0.05) == (0, 1)


@pytest.mark.parametrize(("worse", "better"), [(0, 1), (3, 9), (10, 0), (5, 5)])
def test_the_sign_test_is_mcnemars_with_one_run(worse, better):
    differences = np.array([[1.0] * worse + [-1.0] * better + [0.0] * 20])
    assert sign_test(differences) == sign_test(-differences) == pytest.approx(binomtest(worse, worse + better).pvalue)


def test_identical_runs_do_not_make_up_for_few_images():
    lost = np.zeros((5, 400))
    lost[:, :10] = 1
    assert paired_p_value(lost) >= binomtest(10, 10).pvalue
    assert paired_p_value(0 * lost) == 1


@pytest.mark.parametrize("runs", [1, 3])
def test_what_never_varies_on_few_images_may_vary_on_others(runs):
    right = np.ones((runs, 16))
    low, high = crossed_estimate(right - right, least=-1, most=1).limits()
    assert -low == high > 0.1
    estimate = crossed_estimate(right, least=0, most=1)
    assert (estimate.mean, estimate.limits()[1]) == (1, 1) and estimate.limits()[0] < 0.9


def test_a_difference_is_as_unlikely_as_its_interval_says():
    rng = np.random.default_rng(0)
    values = np.clip(rng.normal(0, 0.2, (5, 1)) + rng.normal(0, 0.5, 400), -1, 1)
    estimate = crossed_estimate(values, least=-1, most=1)
    at_the_edge = values - estimate.limits()[0]
    assert paired_p_value(at_the_edge) == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("runs", [1, 2, 3, 4])
def test_few_seeds_have_no_p_value(runs):
    assert paired_p_value(np.ones((runs, 50))) is None


def test_wilson_interval_is_as_published():
    # Newcombe: Two-sided confidence intervals for the single proportion. Statistics in Medicine 17, 1998, table I.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
