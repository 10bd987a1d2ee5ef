"""How many images, and how many people, attackers name: shares with 95 % intervals."""

from typing import NamedTuple

import numpy as np

from stages.results.statistics import CHUNK, RESAMPLES, wilson_interval


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
    """Return how likely each image's person is to be named by random guessing with the same names."""
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
    for _ in range(0, RESAMPLES, CHUNK):
        times = rng.multinomial(max(1, count - 1), np.full(count, 1 / count), size=CHUNK).astype(float)
        shares.append(times @ right / (times @ images))
        missed = times @ (images - guessed)
        # Resamples in which guessing misses nobody are skipped.
        telling = missed > 1e-9
        advantages.append((times @ (right - guessed))[telling] / missed[telling])
    low, high = np.quantile(np.concatenate(shares), (0.025, 0.975))
    gained = np.concatenate(advantages)
    return float(low), float(high), float(np.quantile(gained, 0.975)) if len(gained) else 1.0
