"""Intervals and tests: of shares, of means over runs and images, and of paired differences."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc
from scipy.stats import binomtest, norm
from scipy.stats import t as student_t

TAIL = 0.025  # of each end of an interval that is shown
LIMIT_TAIL = 0.05  # of the one end of a limit that a decision rests on
_SMALLEST_TAIL = 1e-9
_FEW_PEOPLE = 8
_USUAL_CORRELATION = 0.2  # of the trials of one person
FEWEST_RUNS = 5  # from which a p-value is given: with fewer, runs that happen to be alike make it far too small


class Estimate(NamedTuple):
    """A mean over training runs and test images, and how much of its standard error comes from each."""

    mean: float
    middle: float  # of its intervals: the mean, drawn a little towards the middle of the bounds
    error_of_runs: float
    error_of_images: float
    runs: int
    bounds: tuple[float, float]

    def limits(self, tail: float = TAIL) -> tuple[float, float]:
        """Return the ends of the interval that misses at either end as often as `tail` says."""
        reach = reach_of(self.error_of_runs, self.error_of_images, self.runs, tail)
        return max(self.bounds[0], self.middle - reach), min(self.bounds[1], self.middle + reach)


def reach_of(error_of_runs: float, error_of_images: float, runs: int, tail: float) -> float:
    """Return how far an interval reaches from its middle; each part of the error has its own quantile."""
    quantile = student_t.ppf(1 - tail, max(runs - 1, 1))
    return float(np.hypot(quantile * error_of_runs, norm.ppf(1 - tail) * error_of_images))


def crossed_estimate(values: np.ndarray, *, least: float, most: float) -> Estimate:
    """Estimate the mean over training runs and test images, values (runs, images), that are both drawn by chance.

    Every run is judged on the same images (crossed random effects). The error of runs counts with Student's quantile
    for their number, that of images with the normal one. One run tells nothing of others: then the interval counts
    images alone. Pseudo-images stand at the bounds, two for differences and four for shares, so that runs which are all
    right on few images do not pass for certainty. ``python -m tests.decisions`` prints how often the intervals miss.

    References
    ----------
    Agresti, Coull: Approximate is better than "exact" for interval estimation of binomial proportions. The American
    Statistician 52, 1998. Agresti, Min: Simple improved confidence intervals for comparing matched proportions.
    Statistics in Medicine 24, 2005.
    Graybill, Wang: Confidence intervals on nonnegative linear combinations of variances. JASA 75, 1980.

    Examples
    --------
    >>> correct = np.ones((1, 100))
    >>> correct[:, :10] = 0
    >>> [round(end, 3) for end in crossed_estimate(correct, least=0, most=1).limits()]
    [0.823, 0.946]
    """
    images, runs = values.mean(axis=0), values.mean(axis=1)
    pseudo = 2 if least < 0 else 4
    count = len(images) + pseudo
    middle = (images.sum() + pseudo / 2 * (least + most)) / count
    # Of differences, half a pseudo-image stands in each cell of the table of agreement: two of four are at the bounds.
    squares = (images**2).sum() + (1 if least < 0 else pseudo / 2 * (least**2 + most**2))
    of_images = float(np.sqrt(max(0.0, squares / count - middle**2) / count))
    of_runs = float(runs.std(ddof=1) / np.sqrt(len(runs))) if len(runs) > 1 else 0.0
    return Estimate(float(values.mean()), float(middle), of_runs, of_images, len(runs), (least, most))


def paired_p_value(differences: np.ndarray) -> float | None:
    """Test, two-sided, whether the mean of differences (runs, images) is zero; None with fewer than five runs.

    The p-value is never below the exact sign test's over images (with one run McNemar's), as no number of runs makes up
    for few images.
    """
    if len(differences) < FEWEST_RUNS:
        return None
    _, middle, of_runs, of_images, runs, _ = crossed_estimate(differences, least=-1, most=1)

    def beyond(tail: float) -> float:
        return abs(middle) - reach_of(of_runs, of_images, runs, tail)

    # The tail at which an interval would end at zero.
    tail = (
        0.5
        if abs(middle) < 1e-12
        else _SMALLEST_TAIL
        if beyond(_SMALLEST_TAIL) > 0
        else brentq(beyond, _SMALLEST_TAIL, 0.5)
    )
    return max(2 * float(tail), sign_test(differences))


def sign_test(differences: np.ndarray) -> float:
    """Return the two-sided p-value of the exact sign test over images, of their means over runs."""
    means = differences.mean(axis=0)
    lost, gained = int((means > 0).sum()), int((means < 0).sum())
    return float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0


def wilson_interval(successes: float, trials: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (Wilson 1927)."""
    interval = binomtest(successes, trials).proportion_ci(1 - 2 * TAIL, method="wilson")
    return float(interval.low), float(interval.high)


def skill_limits(hits: np.ndarray, trials: np.ndarray, guessed: np.ndarray, tail: float) -> tuple[float, float]:
    """Return the ends of the interval of a skill: the share of the trials that guessing would miss which is hit.

    A trial is hit with the probability ``guessed + skill * (1 - guessed)``, all of them given by person. The limits are
    Clopper and Pearson's on the effective number of trials: those of one person are alike, so their number is divided
    by the design effect, and by the uncertainty of that effect. Each end misses as often as `tail` says.

    References
    ----------
    Korn, Graubard: Confidence intervals for proportions with small expected number of positive counts estimated from
    survey data. Survey Methodology 24(2), 1998.
    """
    missed = float(trials @ (1 - guessed))
    if missed < 1e-9:
        return 0.0, 1.0
    count = float(hits.sum())
    scale = _effective_share(hits, trials, guessed, float(np.clip((count - trials @ guessed) / missed, 0, 1)), tail)

    def at_most(skill: float, hits: float) -> float:
        return _probability_at_most(hits * scale, trials, guessed + skill * (1 - guessed), scale)

    # One hit less, of the effective ones.
    lower = _solve(lambda skill: 1 - at_most(skill, count - 1 / scale) - tail, rising=True)
    return lower, _solve(lambda skill: at_most(skill, count) - tail, rising=False)


def _effective_share(hits: np.ndarray, trials: np.ndarray, guessed: np.ndarray, skill: float, tail: float) -> float:
    """Return the share of the trials that counts, as those of one person are alike."""
    people = len(trials)
    if people < 2 or trials.max() <= 1:
        return 1.0
    expected = guessed + skill * (1 - guessed)
    independent = float(trials @ (expected * (1 - expected)))
    squares = ((hits - trials * expected) ** 2).sum() * people / (people - 1)
    effect = max(1.0, squares / independent) if independent > 1e-9 else 1.0
    if people < _FEW_PEOPLE:
        # So few people often look independent by chance: a usual one added keeps the effect from being too small.
        effect = ((people - 1) * effect + 1 + _USUAL_CORRELATION * (trials.mean() - 1)) / people
    return float((norm.ppf(tail) / student_t.ppf(tail, people - 1)) ** 2 / effect)


def _probability_at_most(hits: float, trials: np.ndarray, chances: np.ndarray, scale: float) -> float:
    """Return the probability of at most `hits` hits in different trials, by the binomial of the same two moments."""
    mean, variance = float(trials @ chances), float(trials @ (chances * (1 - chances)))
    if hits < 0:
        return 0.0
    if mean < 1e-12:
        return 1.0
    chance = max(1 - variance / mean, 1e-12)
    count = mean / chance * scale
    return 1.0 if hits >= count else float(betainc(count - hits, hits + 1, 1 - chance))


def _solve(function: Callable[[float], float], *, rising: bool) -> float:
    """Return where a monotone function of a share is 0; the nearer end if it is so nowhere."""
    almost = 1 - 1e-9
    if (function(0.0) >= 0) == rising:
        return 0.0
    return 1.0 if (function(almost) < 0) == rising else float(brentq(function, 0.0, almost))
