"""How many images, and how many people, an attacker names, and what of that guessing would not have named."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stages.results.statistics import LIMIT_TAIL, TAIL, skill_limits

_DRAWS = 2000  # people whose votes are simulated
_MOST_VOTES = 4_000_000  # that are simulated at once
_FEW_PEOPLE = 200  # of more, the exact limits are narrow by themselves
_DEALS = 200  # how often the asked people are exchanged, for what the strongest attack gets by chance


class Verdicts(NamedTuple):
    """Whom an attacker names in each image it was asked about."""

    people: np.ndarray  # (images,) int: who is in it
    named: np.ndarray  # (images,) int: whom the attacker names
    paths: Sequence[str] = ()  # of the images; of all asked images, where it was asked about a part of them

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

    def naming(self, attackers: int = 1) -> Naming:
        """Compute the shares and their limits; `attackers` is how many are judged together."""
        nothing = np.zeros(len(self.trials))
        share, chance = self.hits.sum() / self.trials.sum(), self.trials @ self.guessed / self.trials.sum()
        low, high = skill_limits(self.hits, self.trials, nothing, TAIL)
        least, most = (
            skill_limits(self.hits, self.trials, self.guessed, tail)[end]
            for end, tail in enumerate((LIMIT_TAIL / attackers, LIMIT_TAIL))
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
    """Count the people whose own name is given most often to their images; a tie between k names counts 1 / k."""
    people, person = np.unique(verdicts.people, return_inverse=True)
    names, name = np.unique(verdicts.named, return_inverse=True)
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

    The limits over people are exact. With several images a person, the images' own upper limit, taken through the vote,
    is often lower, and then it counts, but not below the share that was counted.
    """
    images, people = count_images(verdicts), count_people(verdicts)
    counted = people.naming(attackers)
    chance = float(people.guessed.mean())
    if images.trials.max() <= 1 or len(people.trials) > _FEW_PEOPLE or chance >= 1:
        return counted
    voted = vote_share(images.naming().most, images.trials, len(np.unique(verdicts.named)))
    most = min(counted.advantage_most, max(counted.advantage, (voted - chance) / (1 - chance)))
    return counted._replace(advantage_most=most, most=chance + most * (1 - chance))


def strongest_by_chance(attacks: list[Verdicts]) -> float:
    """Return the share of images that the strongest of several attackers names by chance, if people are exchanged."""
    rng = np.random.default_rng(0)
    people = np.unique(np.concatenate([verdicts.people for verdicts in attacks]))
    places = [np.searchsorted(people, verdicts.people) for verdicts in attacks]
    shares = []
    for _ in range(_DEALS):
        dealt = rng.permutation(people)  # the same way for all attackers, which are alike
        shares.append(max(np.mean(dealt[place] == each.named) for place, each in zip(places, attacks, strict=True)))
    return float(np.mean(shares)) or 1 / len(people)


def most_exposed(verdicts: Verdicts) -> float:
    """Return the share of images in which the person who is named most reliably is named."""
    counts = count_images(verdicts)
    return float((counts.hits / counts.trials).max())


def _look_up(people: np.ndarray, names: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the share of each person's name; 0 for those who are never named."""
    place = np.minimum(np.searchsorted(names, people), len(names) - 1)
    return np.where(names[place] == people, shares[place], 0.0)


def vote_share(chance: float, trials: np.ndarray, names: int) -> float:
    """Return the share of people who win the vote if each image is named right with a chance, else wrong evenly."""
    rng = np.random.default_rng(0)
    draws = int(np.clip(_MOST_VOTES // trials.max(), 100, _DRAWS))
    images = np.sort(trials)[np.linspace(0, len(trials) - 1, draws).round().astype(int)].astype(int)
    right = rng.binomial(images, min(chance, 1.0))
    votes = rng.integers(max(names - 1, 1), size=(draws, images.max()))
    # What is no wrong name must not be taken for one: a negative number of its own.
    place = np.arange(images.max())
    votes = np.sort(np.where((place < right[:, None]) | (place >= images[:, None]), -1 - place, votes), axis=1)
    most, ties = (right < images).astype(int), images - right
    for length in range(1, images.max()):
        repeated = (votes[:, length:] == votes[:, :-length]).sum(axis=1)
        if not repeated.any():
            break
        most, ties = np.where(repeated > 0, length + 1, most), np.where(repeated > 0, repeated, ties)
    return float(np.where(right > most, 1.0, np.where(right == most, 1 / (1 + ties), 0.0)).mean())
