"""Intervals and tests: of shares, of paired differences, and of what an attacker names, where people are the units."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from scipy.stats import binom, binomtest

RESAMPLES = 2000
_CHUNK = 100  # resamples at a time, so that memory stays bounded with many people
_NORMAL_975 = 1.959964


class Verdicts(NamedTuple):
    """Whom an attacker names in each image it was asked about."""

    people: np.ndarray  # (images,) int: who is in it
    named: np.ndarray  # (images,) int: whom the attacker names


class Naming(NamedTuple):
    """How well an attacker names people, with the ends of 95 % intervals; shares of images, or of people."""

    share: float
    low: float
    high: float
    advantage_high: float  # upper end, of the share that guessing would miss


def wilson_interval(successes: float, trials: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share.

    Parameters
    ----------
    successes, trials : int
        Counts, at least one trial.

    Returns
    -------
    tuple of float
        Lower and upper bound.

    References
    ----------
    Wilson: Probable inference, the law of succession, and statistical inference. JASA 22, 1927.

    Examples
    --------
    >>> [round(bound, 4) for bound in wilson_interval(8, 10)]
    [0.4902, 0.9433]
    """
    interval = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def paired_p_value(correct: np.ndarray, reference: np.ndarray) -> float:
    """Test whether two models are right equally often on the same images.

    The exact McNemar test where each model was trained once. With several seeds an image's difference is the number
    of right networks minus that of the reference; its sign is flipped in all ways (an exact paired permutation test,
    the same as McNemar's where all differences are -1, 0 or 1).

    Parameters
    ----------
    correct, reference : numpy.ndarray
        (seeds, images) bool.

    Returns
    -------
    float
        Two-sided p-value; 1 if the models never differ.

    References
    ----------
    McNemar: Note on the sampling error of the difference between correlated proportions. Psychometrika 12, 1947.

    Examples
    --------
    >>> reference = np.ones((1, 10), bool)
    >>> correct = reference.copy()
    >>> correct[0, :6] = False
    >>> round(paired_p_value(correct, reference), 6)
    0.03125
    """
    differences = correct.sum(axis=0, dtype=int) - reference.sum(axis=0, dtype=int)
    observed = abs(int(differences.sum()))
    # Distribution of the sum under random signs: for each size a scaled binomial, all convolved.
    total = int(np.abs(differences).sum())
    distribution: np.ndarray = np.ones(1)
    for size, count in Counter(np.abs(differences[differences != 0]).tolist()).items():
        spread = np.zeros(2 * size * count + 1)
        spread[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        distribution = np.convolve(distribution, spread)
    sums = np.arange(-total, total + 1)
    return min(1.0, float(distribution[np.abs(sums) >= observed].sum()))


def paired_difference_interval(correct: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of how much less often one model is right than another on the same images.

    It counts test images, not training runs. Two pseudo-images are added, so that models which never differ on a few
    images are not said to be equal on all others.

    Parameters
    ----------
    correct, reference : numpy.ndarray
        (seeds, images) bool.

    Returns
    -------
    tuple of float
        Lower and upper bound of the reference's accuracy minus the other's, from -1 to 1.

    References
    ----------
    Agresti, Min: Simple improved confidence intervals for comparing matched proportions. Statistics in Medicine 24,
    2005.

    Examples
    --------
    >>> same = np.ones((1, 16), bool)
    >>> [round(bound, 3) for bound in paired_difference_interval(same, same)]
    [-0.109, 0.109]
    """
    differences = reference.mean(axis=0) - correct.mean(axis=0)
    count = len(differences) + 2
    middle = differences.sum() / count
    # Half a pseudo-image in each cell of the table of agreement: the two that differ add 1 to the sum of squares.
    variance = ((differences**2).sum() + 1) / count - middle**2
    reach = _NORMAL_975 * np.sqrt(variance / count)
    return max(-1.0, float(middle - reach)), min(1.0, float(middle + reach))


def images_named(verdicts: Verdicts) -> Naming:
    """Return the share of images in which the right person is named.

    Images of one person are alike, so whole people are drawn again and again (bootstrap); the interval is never
    narrower than Wilson's, which takes all images for independent.

    Parameters
    ----------
    verdicts : Verdicts
        At least one image.

    Returns
    -------
    Naming
        Of images.

    References
    ----------
    McCarthy, Snowden: The bootstrap and finite population sampling. Vital and Health Statistics 2(95), 1985: one unit
    less is drawn than there are, as else the variance comes out too small.
    """
    right = verdicts.people == verdicts.named
    share, wilson = float(right.mean()), wilson_interval(int(right.sum()), len(right))
    low, high, advantage = _bootstrap(verdicts)
    chance = _guessed(verdicts).mean()
    advantage = max(advantage, (wilson[1] - chance) / (1 - chance)) if chance < 1 else 1.0
    return Naming(share, min(low, wilson[0]), max(high, wilson[1]), advantage)


def people_named(verdicts: Verdicts) -> Naming:
    """Return the share of people whom an attacker names who knows which images show the same person.

    Such an attacker takes the name it gives most often to a person's images; if several are given equally often and
    the right one is among them, the person counts as named.

    Parameters
    ----------
    verdicts : Verdicts
        At least one image.

    Returns
    -------
    Naming
        Of people, with Wilson's interval, as people are independent of each other.
    """
    people = np.unique(verdicts.people)
    votes = Verdicts(people, np.array([_vote(verdicts.named[verdicts.people == one], one) for one in people]))
    right = votes.people == votes.named
    return Naming(float(right.mean()), *wilson_interval(int(right.sum()), len(people)), _bootstrap(votes)[2])


def most_exposed(verdicts: Verdicts) -> float:
    """Return the share of images in which the person who is named most reliably is named."""
    _, who = np.unique(verdicts.people, return_inverse=True)
    return float((np.bincount(who, verdicts.people == verdicts.named) / np.bincount(who)).max())


def _vote(named: np.ndarray, person: int) -> int:
    names, counts = np.unique(named, return_counts=True)
    winners = names[counts == counts.max()]
    return person if person in winners else int(winners[0])


def _guessed(verdicts: Verdicts) -> np.ndarray:
    """Return how likely each image's person is to be named by one who deals out the same names blindly."""
    names, counts = np.unique(verdicts.named, return_counts=True)
    often = dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True))
    return np.array([often.get(person, 0.0) for person in verdicts.people.tolist()])


def _bootstrap(verdicts: Verdicts) -> tuple[float, float, float]:
    """Draw whole people: the ends of the share's interval, and the upper end of the advantage over blind guessing."""
    _, who = np.unique(verdicts.people, return_inverse=True)
    images = np.bincount(who).astype(float)
    right = np.bincount(who, verdicts.people == verdicts.named)
    guessed = np.bincount(who, _guessed(verdicts))
    count = len(images)
    rng = np.random.default_rng(0)
    shares, advantages = [], []
    for _ in range(0, RESAMPLES, _CHUNK):
        times = rng.multinomial(max(1, count - 1), np.full(count, 1 / count), size=_CHUNK).astype(float)
        shares.append(times @ right / (times @ images))
        missed = times @ (images - guessed)
        # Draws of people whom blind guessing always names say nothing.
        telling = missed > 1e-9
        advantages.append((times @ (right - guessed))[telling] / missed[telling])
    low, high = np.quantile(np.concatenate(shares), (0.025, 0.975))
    gained = np.concatenate(advantages)
    return float(low), float(high), float(np.quantile(gained, 0.975)) if len(gained) else 1.0
