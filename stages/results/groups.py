"""What each data set costs and gives away by group of people, and whether groups are further apart than by chance."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.core.params import RAW
from stages.results.counts import Verdicts, images_named
from stages.results.privacy import read_verdicts
from stages.results.scores import read_privacy, read_utility
from stages.results.statistics import crossed_estimate
from stages.results.utility import accuracy_interval

RESAMPLES = 2000
CHUNK = 100  # resamples at a time, so that memory stays bounded
_DROP = ("accuracy_drop", "accuracy_drop_low", "accuracy_drop_high", "accuracy_drop_p")
_NAMED = ("identity_accuracy", "identity_low", "identity_high", "identity_p")
COLUMNS = ("dataset", "group", "images", "accuracy", "accuracy_low", "accuracy_high", *_DROP, *_NAMED)


class Gap(NamedTuple):
    """The largest difference between the means of two groups, with a 95 % interval and a p-value."""

    gap: float
    low: float
    high: float
    p_value: float


def largest_gap(values: np.ndarray, groups: np.ndarray, units: np.ndarray) -> Gap:
    """Measure how far the groups' means of values (runs, images) are apart: the largest less the smallest.

    For the interval, units (people, or images) are drawn within each group, and runs among all, with replacement.
    Chance alone makes the gap larger, so estimate and interval lie too high, and the interval cannot hold 0. The
    p-value says whether there is a gap: how often groups dealt anew to the units are as far apart, given these runs.

    References
    ----------
    McCarthy, Snowden: The bootstrap and finite population sampling. Vital and Health Statistics 2(95), 1985: one unit
    less is drawn than there are, as otherwise the variance comes out too small.
    Phipson, Smyth: Permutation p-values should never be zero. Statistical Applications in Genetics and Molecular
    Biology 9(1), 2010.

    Examples
    --------
    >>> gap = largest_gap(np.repeat([[1.0, 0.5]], 20, axis=1), np.arange(40) // 20, np.arange(40))
    >>> gap.gap, gap.low, gap.high, gap.p_value < 0.001
    (0.5, 0.5, 0.5, True)
    """
    codes = [np.unique(part, return_inverse=True)[1] for part in (groups, units)]
    (group_of, _), unit_of = np.unique(np.stack(codes), axis=1, return_inverse=True)
    counts, sums = np.bincount(unit_of), np.stack([np.bincount(unit_of, run) for run in values])
    mean, number = sums.mean(axis=0), group_of.max() + 1
    observed = float(_spread([group_of[None] == group for group in range(number)], mean, counts)[0])
    rng = np.random.default_rng(0)
    drawn, dealt = [], []
    for _ in range(0, RESAMPLES, CHUNK):
        runs = _draw(rng, len(values))
        of_runs = runs @ sums / runs.sum(axis=1, keepdims=True)
        drawn.append(_spread(_draw_within(rng, group_of, number), of_runs, counts))
        anew = rng.permuted(np.tile(group_of, (CHUNK, 1)), axis=1)
        dealt.append(_spread([anew == group for group in range(number)], mean, counts))
    low, high = np.quantile(np.concatenate(drawn), (0.025, 0.975))
    # Sums in another order differ in the last digits.
    as_far = int((np.concatenate(dealt) >= observed - 1e-9).sum())
    return Gap(observed, float(low), float(high), (1 + as_far) / (1 + RESAMPLES))


def group_table(datasets: list[str], groups: dict[str, str], people: dict[str, int]) -> pd.DataFrame:
    """Compute accuracy, its drop and images named by the informed attacker, by data set and group of test images.

    After its groups, a data set has a row with an empty group, which holds the largest gaps between groups.
    """
    rows = [row for dataset in datasets if groups for row in _rows(dataset, groups, people)]
    return pd.DataFrame(rows, columns=COLUMNS).round(4)


def _rows(dataset: str, groups: dict[str, str], people: dict[str, int]) -> Iterator[dict[str, object]]:
    scores, privacy = read_utility(dataset), read_privacy(dataset)
    correct, reference, tested = scores.correct, read_utility(RAW).correct, scores.paths
    verdicts = read_verdicts(privacy).get("informed", Verdicts(np.empty(0, int), np.empty(0, int)))
    of_tested, of_asked = (
        np.array([groups.get(path, "") for path in paths], str) for paths in (tested, verdicts.paths)
    )
    for group in sorted(set(groups.values())):
        ours, named = of_tested == group, of_asked == group
        right, before = correct[:, ours], reference[:, ours]
        row = {"dataset": dataset, "group": group, "images": int(ours.sum()), "accuracy": right.mean()}
        row["accuracy_low"], row["accuracy_high"] = accuracy_interval(right)
        if dataset != RAW:
            drop = crossed_estimate(before.astype(float) - right, least=-1, most=1)
            row |= zip(_DROP, (drop.mean, *drop.limits()), strict=False)
        if named.any():
            naming = images_named(Verdicts(verdicts.people[named], verdicts.named[named]))
            row |= zip(_NAMED, (naming.share, naming.low, naming.high), strict=False)
        yield row
    gaps = {"dataset": dataset, "group": "", "images": int((of_tested != "").sum())}
    if dataset != RAW:
        units = np.array([str(people.get(path, path)) for path in tested])
        gaps |= zip(_DROP, _gap(reference.astype(float) - correct, of_tested, units), strict=False)
    gaps |= zip(_NAMED, _gap(verdicts.right[None], of_asked, verdicts.people), strict=False)
    yield gaps


def _gap(values: np.ndarray, groups: np.ndarray, units: np.ndarray) -> Gap | tuple:
    known = groups != ""
    if len(np.unique(groups[known])) < 2:
        return ()
    return largest_gap(values[:, known], groups[known], units[known])


def _spread(weights: list[np.ndarray], sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return how far the groups' means are apart in each resample; weights of (resamples, units), one array a group."""
    return np.ptp([(weight * sums).sum(axis=1) / (weight * counts).sum(axis=1) for weight in weights], axis=0)


def _draw(rng: np.random.Generator, units: int) -> np.ndarray:
    return rng.multinomial(max(1, units - 1), np.full(units, 1 / units), size=CHUNK)


def _draw_within(rng: np.random.Generator, group_of: np.ndarray, groups: int) -> list[np.ndarray]:
    weights = []
    for group in range(groups):
        members = np.flatnonzero(group_of == group)
        weights.append(np.zeros((CHUNK, len(group_of))))
        weights[-1][:, members] = _draw(rng, len(members))
    return weights
