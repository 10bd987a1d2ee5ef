"""How many images, and how many people, an attacker names, and how many of them guessing would not have named."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from stages.results.statistics import LIMIT_TAIL, TAIL, skill_limits

_FEW_PEOPLE = 200  # of more, the exact limits are narrow by themselves
_SPLIT_FROM = 25  # people, from which the tail is split between the limit of people and that of images
_DEALS = 200  # how often the asked people are exchanged, for what the strongest attack gets by chance


class Verdicts(NamedTuple):
    """Whom an attacker names in each image it was asked about."""

    people: np.ndarray  # (images,) int: who is in it
    named: np.ndarray  # (images,) int: whom the attacker names
    paths: Sequence[str] = ()  # of the images; of all asked images, where it was asked about a part of them
    pooled: np.ndarray | None = None  # (images,) int: whom it names by all images of the person together

    @property
    def right(self) -> np.ndarray:
        """In which images the right person is named."""
        return self.people == self.named


class Naming(NamedTuple):
    """How well an attacker names people: shares of images, or of people."""

    share: float
    low: float  # the ends of the 95 % interval
    high: float
    advantage: float  # share of those that blind guessing with the same names would miss
    advantage_least: float  # its limits; each misses in 5 % of cases, or of several attackers together
    advantage_most: float
    least: float  # the share's own limits
    most: float


class Counts(NamedTuple):
    """An attacker's hits by person."""

    trials: np.ndarray  # (people,) images, or 1
    hits: np.ndarray  # (people,) how many are named right; a tie between k names counts 1 / k
    guessed: np.ndarray  # (people,) how likely dealing out the same names at random names the person

    def naming(self, attackers: int = 1, tail: float = LIMIT_TAIL) -> Naming:
        """Compute the shares and their limits; `attackers` is how many are judged together."""
        nothing = np.zeros(len(self.trials))
        share, chance = self.hits.sum() / self.trials.sum(), self.trials @ self.guessed / self.trials.sum()
        low, high = skill_limits(self.hits, self.trials, nothing, TAIL)
        least, most = (
            skill_limits(self.hits, self.trials, self.guessed, tail)[end]
            for end, tail in enumerate((tail / attackers, tail))
        )
        advantage = (share - chance) / (1 - chance) if chance < 1 else 1.0
        # Where guessing misses nothing, nothing was shown.
        ends = (float(chance + end * (1 - chance)) for end in (least, most))
        return Naming(float(share), low, high, float(advantage), least, most, *ends)


def count_images(verdicts: Verdicts) -> Counts:
    """Count the images in which each person is named."""
    people, person, trials = np.unique(verdicts.people, return_inverse=True, return_counts=True)
    hits = np.bincount(person, verdicts.right)
    names, often = np.unique(verdicts.named, return_counts=True)
    return Counts(trials.astype(float), hits, _look_up(people, names, often / often.sum()))


def count_people(verdicts: Verdicts) -> Counts:
    """Count the people who are named by all their images together, or where that is unknown, most often."""
    named = verdicts.named if verdicts.pooled is None else verdicts.pooled
    people, person = np.unique(verdicts.people, return_inverse=True)
    names, name = np.unique(named, return_inverse=True)
    pairs, often = np.unique(person * len(names) + name, return_counts=True)
    of_person, given = np.divmod(pairs, len(names))
    most = np.zeros(len(people), int)
    np.maximum.at(most, of_person, often)
    wins = often == most[of_person]
    part = wins / np.bincount(of_person, wins)[of_person]  # what each name gets of the person's one vote
    hits = np.bincount(of_person, part * (names[given] == people[of_person]), minlength=len(people))
    votes = np.bincount(given, part, minlength=len(names)) / len(people)
    return Counts(np.ones(len(people)), hits, _look_up(people, names, votes))


def images_named(verdicts: Verdicts, attackers: int = 1) -> Naming:
    """Return the share of images in which the right person is named, and its limits over people and images."""
    return count_images(verdicts).naming(attackers)


def people_named(verdicts: Verdicts, attackers: int = 1) -> Naming:
    """Return the share of people whose own name is given most often to their images, and its limits.

    The limits over people are exact. With several images a person, the images' own upper limit often implies a lower
    one for all of a person's images together; then that one counts, but never less than the share that was counted.
    """
    images, people = count_images(verdicts), count_people(verdicts)
    counted = people.naming(attackers)
    chance = float(people.guessed.mean())
    if images.trials.max() <= 1 or len(people.trials) > _FEW_PEOPLE or chance >= 1:
        return counted
    # Of two limits that each miss in 5 %, the lower misses more often. With few people, exact limits miss far less.
    of_people, of_images = (LIMIT_TAIL, LIMIT_TAIL) if len(people.trials) < _SPLIT_FROM else (0.01, LIMIT_TAIL - 0.01)
    names = len(np.unique(verdicts.named))
    # An attacker who gives all images one name has nothing to add up.
    pooled = (
        chance
        if names == 1
        else pooled_share(images.naming(tail=of_images).most, images.trials, max(names, len(people.trials)))
    )
    exact = people.naming(tail=of_people).advantage_most
    most = min(exact, max(counted.advantage, (pooled - chance) / (1 - chance)))
    return counted._replace(advantage_most=most, most=chance + most * (1 - chance))


def strongest_by_chance(attacks: list[Verdicts]) -> float:
    """Return the share of images that the strongest of several attackers names by chance, if people are exchanged.

    What one attacker names by chance is known exactly; the exchanges tell how much more the strongest names.
    """
    rng = np.random.default_rng(0)
    people = np.unique(np.concatenate([verdicts.people for verdicts in attacks]))
    places = [np.searchsorted(people, verdicts.people) for verdicts in attacks]
    exact = np.mean([np.isin(verdicts.named, people).mean() for verdicts in attacks]) / len(people)
    more = []
    for _ in range(_DEALS if len(attacks) > 1 else 0):
        dealt = rng.permutation(people)  # the same way for all attackers, which are alike
        shares = [np.mean(dealt[place] == each.named) for place, each in zip(places, attacks, strict=True)]
        more.append(max(shares) - np.mean(shares))
    return float(exact + np.sum(more) / _DEALS) or 1 / len(people)


def most_exposed(verdicts: Verdicts) -> float:
    """Return the share of images in which the person who is named most reliably is named."""
    counts = count_images(verdicts)
    return float((counts.hits / counts.trials).max())


def _look_up(people: np.ndarray, names: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the share of each person's name; 0 for those who are never named."""
    place = np.minimum(np.searchsorted(names, people), len(names) - 1)
    return np.where(names[place] == people, shares[place], 0.0)


def pooled_share(chance: float, trials: np.ndarray, names: int) -> float:
    """Return the share of people named by all their images, if each image by itself is named right with a chance.

    Each image gives each name a normally distributed score, whose mean is above 0 for the right name; for n images
    together, that mean is the square root of n times as large.
    """
    drawn = np.linspace(-8, 8, 321)
    density = norm.pdf(drawn) / norm.pdf(drawn).sum()

    def wins(skill: np.ndarray) -> np.ndarray:
        return norm.cdf(drawn + skill[:, None]) ** (names - 1) @ density

    skills = np.linspace(0, 12, 241)
    skill = np.interp(chance, wins(skills), skills)
    return float(wins(skill * np.sqrt(trials)).mean())
