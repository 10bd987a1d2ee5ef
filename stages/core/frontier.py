"""Weighs accuracy against privacy: which variants no other beats on both, and which one to recommend."""

import pandas as pd

from stages.core.params import RAW, CompareParams
from stages.core.scores import CONVINCING_ACCURACY

_ABOUT = (
    "compare.max_accuracy_drop {0.max_accuracy_drop:g} and compare.max_identity_accuracy {0.max_identity_accuracy:g}"
)


def efficient_variants(table: pd.DataFrame) -> pd.Series:
    """Mark the variants that no other variant beats on both accuracy and privacy.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns dataset, accuracy and identity_accuracy.

    Returns
    -------
    pandas.Series
        bool; raw images are no variant, so never marked. A variant is beaten by one that is at least as good on both
        and better on one (Pareto).

    Examples
    --------
    >>> table = pd.DataFrame({"dataset": ["raw", "a", "b"], "accuracy": [0.9, 0.8, 0.7],
    ...                       "identity_accuracy": [0.9, 0.5, 0.6]})
    >>> efficient_variants(table).tolist()
    [False, True, False]
    """
    variants = table[table["dataset"] != RAW]

    def is_beaten(row: pd.Series) -> bool:
        accuracy = variants["accuracy"] - row["accuracy"]
        privacy = row["identity_accuracy"] - variants["identity_accuracy"]
        return bool(((accuracy >= 0) & (privacy >= 0) & ((accuracy > 0) | (privacy > 0))).any())

    return table.apply(lambda row: row["dataset"] != RAW and not is_beaten(row), axis=1)


def recommend(table: pd.DataFrame, params: CompareParams) -> str:
    """Say in one sentence which variant to use, or that none protects.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns dataset, accuracy_drop, and identity_accuracy if people are known.
    params : CompareParams
        How much accuracy may be lost, and how many people may be named.

    Returns
    -------
    str
        The most accurate of the variants within both bounds. An attack that fails proves no privacy, and the sentence
        does not claim it.
    """
    if "identity_accuracy" not in table:
        return "Recommended: none, as privacy was not measured; set data.identity_pattern to measure it."
    attacked = table.loc[table["dataset"] == RAW, "identity_accuracy"].iloc[0]
    if attacked < CONVINCING_ACCURACY:
        return (
            f"Recommended: none, as the attacker names only {attacked:.1%} of the people on raw images; below "
            f"{CONVINCING_ACCURACY:.0%} there, its failure elsewhere proves nothing."
        )
    variants = table[table["dataset"] != RAW]
    protecting = variants[variants["identity_accuracy"] <= params.max_identity_accuracy]
    bounds = _ABOUT.format(params)
    if protecting.empty:
        best = variants.loc[variants["identity_accuracy"].idxmin()] if len(variants) else None
        closest = (
            ""
            if best is None
            else (f"; the closest, {best['dataset']}, lets an informed attacker name {best['identity_accuracy']:.1%}")
        )
        return f"Recommended: none, as no variant protects under {bounds}{closest}."
    affordable = protecting[protecting["accuracy_drop"] <= params.max_accuracy_drop]
    if affordable.empty:
        best = protecting.loc[protecting["accuracy_drop"].idxmin()]
        return (
            f"Recommended: none, as what protects costs too much under {bounds}; "
            f"the cheapest, {best['dataset']}, costs {best['accuracy_drop']:.1%} of accuracy."
        )
    best = affordable.loc[affordable["accuracy_drop"].idxmin()]
    return (
        f"Recommended: {best['dataset']}, which costs {best['accuracy_drop']:.1%} of accuracy and lets an informed "
        f"attacker name {best['identity_accuracy']:.1%} of the people, within {bounds}."
    )
