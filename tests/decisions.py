"""Simulates the rule of `compare` and its intervals, and writes how often they are wrong to `metrics/decisions.md`.

A command, ``python -m tests.decisions``: it takes some minutes of one core, and writes the same numbers each time.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom

from stages.attacks.identity import Identifier, train_identifier
from stages.attacks.likelihood import BlockNoise, cut_blocks, name_by_likelihood
from stages.attacks.pooling import Distances
from stages.attacks.tiles import cut_tiles, name_by_tiles
from stages.attacks.traces import name_by_traces
from stages.core.params import load_params
from stages.methods.dp_pix import METHOD as DP_PIX
from stages.results.counts import pooled_share
from stages.results.decision import decide
from stages.results.privacy import exposure
from stages.results.scores import Identity, Names, Privacy
from stages.results.statistics import crossed_estimate, paired_p_value, skill_limits
from stages.results.utility import drop_row
from tests.clones import ROOT
from tests.portraits import portraits

BOUNDS = load_params(ROOT / "params.yaml").compare.model_copy(update={"deployed_on": "raw"})
RAW = {"accuracy_low": 1.0, "commonest_class": 0.0, "identity_accuracy": 1.0, "identity_chance": 0.0}
FREE = {"seeds": 3} | dict.fromkeys(("accuracy_drop_raw", "accuracy_drop_raw_least", "accuracy_drop_raw_most"), 0.0)
PEOPLE = (2, 5, 8, 12, 16, 20, 27, 100, 1000, 10_000)
IMAGES = (1, 5, 25)
RUNS = 400  # test images of the simulated networks
_LINES: list[str] = []


def say(line: str) -> None:
    """Print a line, and keep it for the file."""
    _LINES.append(line)
    print(line, flush=True)


def shares(statuses: Iterable[str]) -> dict[str, float]:
    """Return the percentage of each verdict."""
    counts = Counter(statuses)
    return {status: 100 * counts[status] / counts.total() for status in ("recommended", "undecided", "refused")}


def name_people(rng: np.random.Generator, people: int, images: int, own: np.ndarray) -> dict[str, np.ndarray]:
    """Draw whom an attacker names who knows each person's images with a probability, and guesses the others.

    All images of a person together tell as much as `pooled_share` says.
    """
    labels = np.repeat(np.arange(people), images)
    pooled = {
        skill: pooled_share(1 / people + skill * (1 - 1 / people), np.array([images]), people) for skill in {*own}
    }
    known = rng.random(len(labels)) < own[labels]
    together = rng.random(people) < np.array([pooled[skill] for skill in own])
    strangers = (np.arange(people) + rng.integers(1, people, size=people)) % people
    return {
        "people": labels,
        "named": np.where(known, labels, rng.integers(people, size=len(labels))),
        "pooled": np.where(together, np.arange(people), strangers)[labels],
    }


def judge(attacks: list[dict[str, np.ndarray]]) -> str:
    """Return the verdict on a variant that costs nothing."""
    names = ("informed", *(f"other_{number}" for number in range(1, len(attacks))))
    identity = Identity(
        attacker="",
        paths=[],
        attacks={
            name: Names(**{key: found.tolist() for key, found in attack.items()})
            for name, attack in zip(names, attacks, strict=True)
        },
        operating_points={},
        chance=0,
        left_out={"people": 0},
    )
    scores = Privacy(measured={}, restorer="", effort="", left_open={}, findings={}, identity=identity)
    return decide(exposure(scores) | FREE, RAW, BOUNDS).status


def pooled_skill(people: int, images: int) -> float:
    """Return how well each image must be known for all images of a person together to break the bound on people."""
    most = 1 / people + BOUNDS.max_identity_accuracy * (1 - 1 / people)
    trials = np.full(people, float(images))

    def beyond(skill: float) -> float:
        return pooled_share(1 / people + skill * (1 - 1 / people), trials, people) - most

    return brentq(beyond, 0, 1, xtol=1e-9)


def bound_skills(people: int, images: int) -> dict[str, float]:
    """Return how well every image is known where a bound is just reached."""
    times = (BOUNDS.max_times_chance / people - 1 / people) / (1 - 1 / people)
    return {"images": BOUNDS.max_identity_accuracy, "people": pooled_skill(people, images), "times": min(times, 1.0)}


def most_possible(people: int, images: int, skill: float) -> float:
    """Return how often any rule that wrongly approves in 5 % can approve of guessing (Neyman and Pearson)."""
    count, chance = people * images, 1 / people
    known = chance + skill * (1 - chance)
    hits = np.arange(count + 1)
    below = binom.cdf(hits, count, known)
    last = int(np.searchsorted(below, 0.05, side="right")) - 1
    sure, spent = (binom.cdf(last, count, chance), below[last]) if last >= 0 else (0.0, 0.0)
    part = (0.05 - spent) / binom.pmf(last + 1, count, known)
    return 100 * (sure + part * binom.pmf(last + 1, count, chance))


def approved(rng: np.random.Generator, repeats: int, attackers: int, images: int, own: np.ndarray) -> float:
    """Return how often a variant is recommended under attackers who know each person's images that often."""
    drawn = ([name_people(rng, len(own), images, own) for _ in range(attackers)] for _ in range(repeats))
    return shares(judge(attacks) for attacks in drawn)["recommended"]


def simulate_naming(draws: int) -> None:
    """Print how often the rule approves of guessing, and of attackers who just break a bound."""
    say("\n## People who are named: how often a variant is recommended\n")
    say("Attackers guess independently of each other, the hardest case; those who agree are one. No rule that wrongly")
    say("approves in 5 % can do more than the fifth column says, for one attacker (Neyman and Pearson).\n")
    say("| people | images each | guessing, 1 attacker | 6 attackers | possible, 1 attacker |"
          " all images known at the bound | some people named at the bound |")  # fmt: skip
    say("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for people in PEOPLE:
        for images in IMAGES:
            rng = np.random.default_rng(people * 100 + images)
            repeats = max(10, draws if people < 200 else draws // 2 if people < 2000 else draws // 10)
            skill = min(bound_skills(people, images).values())
            # As many people as break the bound are always named, the others by guessing.
            count = int(np.ceil(BOUNDS.max_identity_accuracy * people + 1e-9))
            nothing, some = np.zeros(people), (np.arange(people) < count).astype(float)
            cells = (
                approved(rng, repeats, 1, images, nothing),
                approved(rng, repeats, 6, images, nothing),
                most_possible(people, images, skill),
                approved(rng, repeats, 1, images, np.full(people, skill)),
                approved(rng, repeats, 1, images, some),
            )
            say(f"| {people} | {images} | " + " | ".join(f"{cell:.0f} %" for cell in cells) + " |")


@cache
def _naive(people: int) -> Identifier:
    return train_identifier(*portraits(4, 0, people), seed=0)


def attack_noise(secret: int, people: int, images: int) -> list[dict[str, np.ndarray]]:
    """Return whom our attackers name in images of pure noise, of which each has several training images too."""
    (raw, of_train), (asked, of_test) = portraits(4, 0, people), portraits(images, 1, people)
    arguments = {"block_size": 12, "epsilon": 1e-6, "neighbourhood": 16}
    rng = np.random.default_rng(secret)
    train, test = (
        np.stack([DP_PIX.apply(image, **arguments, secret_rng=rng) for image in part]) for part in (raw, asked)
    )
    informed, naive = train_identifier(train, of_train, seed=0), _naive(people)
    noise, alone = BlockNoise(*DP_PIX.block_noise(**arguments)), np.arange(len(test))
    blocks = [cut_blocks(image, noise.block_size) for image in test]
    sizes = rng.normal(size=(len(train) + len(test), 1))
    found = [
        *(Distances(identifier.people, identifier.distances(test)) for identifier in (informed, naive)),
        name_by_likelihood([(list(raw), of_train)], blocks, alone, noise),
        name_by_tiles([cut_tiles(image) for image in train], of_train, [cut_tiles(image) for image in test]),
        name_by_traces([(sizes[: len(train)], of_train)], sizes[len(train) :]),
    ]
    return [{"people": of_test, "named": each.pooled(alone), "pooled": each.pooled(of_test)} for each in found]


def simulate_noise(secrets: int) -> None:
    """Print how often the rule judges pure noise in each way, by what our attackers really find in it."""
    say("\n## Pure noise under our own attackers: recommended, undecided, refused\n")
    say("| people | images each | secrets | verdicts |\n| ---: | ---: | ---: | ---: |")
    for people, images in ((40, 2), (16, 25)):
        cells = shares(judge(attack_noise(secret, people, images)) for secret in range(secrets)).values()
        say(f"| {people} | {images} | {secrets} | {', '.join(f'{cell:.0f}' for cell in cells)} |")


def draw_runs(rng: np.random.Generator, seeds: int, share: float, deviation: float) -> np.ndarray:
    """Draw which images the networks of several seeds get right."""
    accuracy = np.clip(share + deviation * rng.normal(size=(seeds, 1)), 0, 1)
    return rng.random((seeds, RUNS)) < accuracy


def simulate_cost(draws: int) -> None:
    """Print how often the rule takes a variant for cheap, open, or too costly."""
    keys = ("images_advantage", "images_advantage_least", "images_advantage_most")
    safe = dict.fromkeys(keys + tuple(key.replace("images", "people") for key in keys), 0.0) | {
        **dict.fromkeys(("times_chance", "times_chance_least", "times_chance_most"), 0.0),
        **{"people_asked": 100, "images_asked": 100},
    }
    say(f"\n## Accuracy lost, at most {BOUNDS.max_accuracy_drop}: recommended, undecided, refused\n")
    say("| deviation of runs | seeds | it costs nothing | it costs just as much | it costs twice as much |")
    say("| ---: | ---: | ---: | ---: | ---: |")
    for deviation in (0.0, 0.02, 0.04):
        for seeds in (1, 2, 3, 5, 10):
            rng = np.random.default_rng(seeds)
            cells = []
            for times in (0, 1, 2):
                statuses = []
                for _ in range(draws):
                    raw, own = (
                        draw_runs(rng, seeds, 0.9 - lost, deviation).astype(float)
                        for lost in (0, times * BOUNDS.max_accuracy_drop)
                    )
                    row = safe | drop_row(raw - own, "raw") | {"seeds": seeds}
                    statuses.append(decide(row, RAW, BOUNDS).status)
                cells.append(", ".join(f"{share:.0f}" for share in shares(statuses).values()))
            say(f"| {deviation} | {seeds} | " + " | ".join(cells) + " |")


def simulate_intervals(draws: int) -> None:
    """Print how often each end of a 95 % interval misses, in percent."""
    say("\n## Intervals of images named: misses of the lower and the upper end\n")
    say("| people | images each | share | correlation within people | lower | upper |")
    say("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for people in (5, 16, 50):
        for share in (0.1, 0.5, 0.9):
            for correlation in (0.0, 0.2):
                rng = np.random.default_rng(people)
                missed = np.zeros(2)
                for _ in range(draws):
                    own = np.full(people, share)
                    if correlation:
                        total = 1 / correlation - 1
                        own = rng.beta(share * total, (1 - share) * total, people)
                    hits = rng.binomial(25, own).astype(float)
                    low, high = skill_limits(hits, np.full(people, 25.0), np.zeros(people), 0.025)
                    missed += [share < low, share > high]
                cells = " | ".join(f"{100 * number / draws:.1f}" for number in missed)
                say(f"| {people} | 25 | {share} | {correlation} | {cells} |")
    say("\n## Intervals of accuracy and p: misses of the lower and the upper end, p below 0.05 and 0.001\n")
    say("| accuracy | deviation of runs | seeds | lower | upper | p < 0.05 | p < 0.001 |")
    say("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for share in (0.5, 0.93):
        for deviation in (0.0, 0.02, 0.04):
            for seeds in (2, 3, 5):
                rng = np.random.default_rng(seeds)
                missed, alarms = np.zeros(2), np.zeros(2)
                truth = np.clip(share + deviation * rng.normal(size=1_000_000), 0, 1).mean()
                for _ in range(draws):
                    first, second = (draw_runs(rng, seeds, share, deviation).astype(float) for _ in range(2))
                    low, high = crossed_estimate(first, least=0, most=1).limits()
                    missed += [truth < low, truth > high]
                    p_value = paired_p_value(first - second)
                    alarms += [p_value is not None and p_value < level for level in (0.05, 0.001)]
                cells = [f"{100 * number / draws:.1f}" for number in (*missed, *alarms)]
                cells[2:] = cells[2:] if seeds >= 5 else ["none given"] * 2
                say(f"| {share} | {deviation} | {seeds} | " + " | ".join(cells) + " |")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200, help="of each row; with many people fewer")
    draws = parser.parse_args().draws
    simulate_intervals(5 * draws)
    simulate_cost(5 * draws)
    simulate_naming(draws)
    simulate_noise(max(2, draws // 10))
    (ROOT / "metrics" / "decisions.md").write_text("\n".join(_LINES).strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
