"""Compares variants with each other: paired differences of accuracy and of images named, for every pair."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student_t

from stages.core.boxes import REGION
from stages.core.params import RAW
from stages.results.naming import Verdicts
from stages.results.privacy import attacks_run
from stages.results.scores import read_privacy, read_utility
from stages.results.statistics import TAIL, crossed_estimate, paired_p_value, sign_test
from stages.results.utility import correct_predictions, corrected_p_values

_MEASURES = ("accuracy", "named")
COLUMNS = ("variant", "compared_with", *(f"{measure}{part}" for measure in _MEASURES for part in
           ("_difference", "_low", "_high", "_p")))  # fmt: skip


def pairwise_table(datasets: list[str]) -> pd.DataFrame:
    """Compare every pair of variants.

    Parameters
    ----------
    datasets : list of str
        ``raw``, which is left out, and variants.

    Returns
    -------
    pandas.DataFrame
        A row for each pair. Differences are those of the first less the second; images named are those of the strongest
        attacker on each that was asked about all images. Intervals hold for all pairs together in 95 % of cases
        (Bonferroni), p-values are corrected for their number (Holm), and given from five seeds on.
    """
    pairs = list(combinations([dataset for dataset in datasets if dataset != RAW], 2))
    tail = TAIL / max(1, len(pairs))
    correct = {name: correct_predictions(read_utility(name)).astype(float) for name in datasets}
    named = {name: _named(read_privacy(name)) for name in datasets}
    rows = []
    for one, other in pairs:
        row: dict[str, object] = {"variant": one, "compared_with": other}
        differences = correct[one] - correct[other]
        estimate = crossed_estimate(differences, least=-1, most=1)
        row |= _row("accuracy", (estimate.mean, *estimate.limits(tail), paired_p_value(differences)))
        shared = [path for path in named[one] if path in named[other]]
        if shared:
            gained = np.array([float(named[one][path][1]) - named[other][path][1] for path in shared])
            people = np.array([named[one][path][0] for path in shared])
            row |= _row("named", clustered_difference(gained, people, tail))
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS)
    for measure in _MEASURES:
        table[f"{measure}_p"] = corrected_p_values(table[f"{measure}_p"].astype(float))
    return table.round(4)


def clustered_difference(gained: np.ndarray, people: np.ndarray, tail: float) -> tuple[float, float, float, float]:
    """Return the mean difference over images, its interval over people, and a p-value not below the sign test's."""
    who = np.unique(people, return_inverse=True)[1]
    count = who.max() + 1
    estimate = crossed_estimate(gained[None], least=-1, most=1)
    apart = gained - gained.mean()
    squares = (np.bincount(who, apart) ** 2).sum() * count / max(count - 1, 1)
    effect = np.sqrt(max(1.0, squares / (apart**2).sum())) if apart.any() else 1.0
    error = estimate.error_of_images * effect
    # One image a person leaves nothing to estimate.
    quantile = student_t(max(count - 1, 1)) if count < len(who) else norm
    reach = quantile.ppf(1 - tail) * error
    p_value = max(float(2 * quantile.sf(abs(estimate.middle) / error)), sign_test(gained[None]))
    return estimate.mean, max(-1.0, estimate.middle - reach), min(1.0, estimate.middle + reach), p_value


def _row(measure: str, values: tuple) -> dict[str, object]:
    names = (f"{measure}{part}" for part in ("_difference", "_low", "_high", "_p"))
    return dict(zip(names, values, strict=True))


def _named(scores: dict) -> dict[str, tuple[int, bool]]:
    """Return who is in each test image, and whether the strongest attacker names them, by path."""
    found: list[tuple[float, list[str], Verdicts]] = []
    for attacker, verdicts in attacks_run(scores).items():
        paths = scores[f"{REGION if attacker.startswith(REGION) else ''}identity"]["paths"]
        if len(paths) == len(verdicts.people):
            found.append((float((verdicts.people == verdicts.named).mean()), paths, verdicts))
    if not found:
        return {}
    _, paths, (people, names) = max(found, key=lambda one: one[0])
    return {path: (int(person), bool(person == name)) for path, person, name in zip(paths, people, names, strict=True)}
