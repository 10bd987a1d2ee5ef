"""Compares variants with each other: paired differences of accuracy and of images named, for every pair."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student_t

from stages.core.params import RAW
from stages.results.privacy import attacks_run
from stages.results.scores import Privacy, read_privacy, read_utility
from stages.results.statistics import TAIL, crossed_estimate, paired_p_value, sign_test
from stages.results.utility import ACCURACIES, corrected_p_values

_MEASURES = (*ACCURACIES.values(), "named")
_PARTS = ("difference", "low", "high", "p")
COLUMNS = ("variant", "compared_with", *(f"{measure}_{part}" for measure in _MEASURES for part in _PARTS))


def pairwise_table(datasets: list[str]) -> pd.DataFrame:
    """Compare every pair of variants, a row each: the first less the second.

    Images named are those of the strongest attacker on each variant that was asked about all images. Intervals hold for
    all pairs together in 95 % of cases (Bonferroni), p-values are corrected for their number (Holm).
    """
    pairs = list(combinations([dataset for dataset in datasets if dataset != RAW], 2))
    tail = TAIL / max(1, len(pairs))
    scores = {name: read_utility(name) for name in datasets}
    named = {name: _named(read_privacy(name)) for name in datasets}
    rows = []
    for first, second in pairs:
        row: dict[str, object] = {"variant": first, "compared_with": second}
        left, right = scores[first], scores[second]
        for measure, differences in (
            ("accuracy", left.correct.astype(float) - right.correct),
            ("accuracy_anonymized", left.correct_anonymized.astype(float) - right.correct_anonymized),
        ):
            estimate = crossed_estimate(differences, least=-1, most=1)
            row |= _row(measure, (estimate.mean, *estimate.limits(tail), paired_p_value(differences)))
        if shared := [path for path in named[first] if path in named[second]]:
            gained = np.array([float(named[first][path][1]) - named[second][path][1] for path in shared])
            people = np.array([named[first][path][0] for path in shared])
            row |= _row("named", clustered_difference(gained, people, tail))
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS)
    for measure in _MEASURES:
        table[f"{measure}_p"] = corrected_p_values(table[f"{measure}_p"].astype(float))
    return table.round(4)


def clustered_difference(gained: np.ndarray, people: np.ndarray, tail: float) -> tuple[float, float, float, float]:
    """Return the mean difference over images, its interval over people, and a p-value not below the sign test's."""
    person = np.unique(people, return_inverse=True)[1]
    count = person.max() + 1
    estimate = crossed_estimate(gained[None], least=-1, most=1)
    apart = gained - gained.mean()
    squares = (np.bincount(person, apart) ** 2).sum() * count / max(count - 1, 1)
    effect = np.sqrt(max(1.0, squares / (apart**2).sum())) if apart.any() else 1.0
    error = estimate.error_of_images * effect
    # One image a person leaves nothing to estimate.
    quantile = student_t(max(count - 1, 1)) if count < len(person) else norm
    reach = quantile.ppf(1 - tail) * error
    p_value = max(float(2 * quantile.sf(abs(estimate.middle) / error)), sign_test(gained[None]))
    return estimate.mean, max(-1.0, estimate.middle - reach), min(1.0, estimate.middle + reach), p_value


def _row(measure: str, values: tuple) -> dict[str, object]:
    return dict(zip((f"{measure}_{part}" for part in _PARTS), values, strict=True))


def _named(scores: Privacy) -> dict[str, tuple[int, bool]]:
    """Return who is in each test image, and whether the strongest attacker names them, by path."""
    found = [verdicts for verdicts in attacks_run(scores).values() if len(verdicts.paths) == len(verdicts.people)]
    if not found:
        return {}
    verdicts = max(found, key=lambda verdicts: verdicts.right.mean())
    return dict(zip(verdicts.paths, zip(verdicts.people.tolist(), verdicts.right.tolist(), strict=True), strict=True))
