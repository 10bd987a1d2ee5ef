"""Weighs accuracy against privacy: which variants no other beats on both, and which one to recommend."""

import pandas as pd

from stages.core.params import RAW, CompareParams
from stages.results.privacy import CONVINCING_SHARE, convinces

_ATTACKERS = {
    "informed": "an attacker who knows the method",
    "naive": "an attacker who has seen originals only",
    "restored": "an attacker who restores the images first",
    "restored_informed": "an attacker who learned from restored images and restores the images first",
    "noise_guessed": "an attacker who guesses the noise",
    "region_informed": "an attacker who knows the method and looks at the main region",
    "region_naive": "an attacker who has seen originals only and looks at the main region",
    "region_recognizer": "a stranger with a face recognizer",
    "region_restored": "an attacker who restores the images first and looks at the main region",
}


def efficient_variants(table: pd.DataFrame) -> pd.Series:
    """Mark the variants that no other variant beats on both accuracy and privacy.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns dataset, accuracy and strongest_accuracy.

    Returns
    -------
    pandas.Series
        bool; raw images are no variant, so never marked. A variant is beaten by one that is at least as good on both
        and better on one (Pareto).

    Examples
    --------
    >>> table = pd.DataFrame({"dataset": ["raw", "a", "b"], "accuracy": [0.9, 0.8, 0.7],
    ...                       "strongest_accuracy": [0.9, 0.5, 0.6]})
    >>> efficient_variants(table).tolist()
    [False, True, False]
    """
    variants = table[table["dataset"] != RAW]

    def is_beaten(row: pd.Series) -> bool:
        accuracy = variants["accuracy"] - row["accuracy"]
        privacy = row["strongest_accuracy"] - variants["strongest_accuracy"]
        return bool(((accuracy >= 0) & (privacy >= 0) & ((accuracy > 0) | (privacy > 0))).any())

    return table.apply(lambda row: row["dataset"] != RAW and not is_beaten(row), axis=1)


def protecting_variants(table: pd.DataFrame, params: CompareParams) -> pd.Series:
    """Mark the variants under which the strongest attack names few enough, even at the upper end of its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        From `stages.compare.comparison_table`.
    params : CompareParams
        `max_identity_accuracy` bounds the advantage over blind guessing, (named - guessed) / (1 - guessed), over images
        and over people; `max_times_chance` bounds the share of images named in multiples of chance. Where nobody is
        known, the first bounds the share of images linked to their originals, and the second nothing: among n
        originals chance is 1 / n, too small for n images to tell multiples of it.

    Returns
    -------
    pandas.Series
        bool; False for raw, for a variant that leaves an image or a given region as it is, and for all where nothing
        was measured or the attacker is too weak on raw images to prove anything.
    """
    if not attacker_convinces(table):
        return pd.Series(False, index=table.index)
    protects = (table["dataset"] != RAW) & (table["strongest_advantage_high"] <= params.max_identity_accuracy)
    for count in ("images_left_open", "regions_missed"):  # each of them shows a person, whatever the attacks say
        if count in table:
            protects &= ~(table[count] > 0)
    if "identity_accuracy" not in table:
        return protects
    return (
        protects
        & (table["people_advantage_high"] <= params.max_identity_accuracy)
        & (table["strongest_high"] <= params.max_times_chance * table["strongest_chance"])
    )


def chance_of(table: pd.DataFrame) -> float:
    """Return what guessing names on raw images, or where nobody is known, links."""
    return _raw(table)["identity_chance" if "identity_accuracy" in table else "linkage_chance"]


def most_allowed(table: pd.DataFrame, params: CompareParams) -> float:
    """Return the largest share of images that the strongest attack may name, or link, under the bounds on images."""
    chance = chance_of(table)
    most = chance + params.max_identity_accuracy * (1 - chance)
    return min(most, params.max_times_chance * chance) if "identity_accuracy" in table else most


def attacker_convinces(table: pd.DataFrame) -> bool:
    """Tell whether the attacker is right on enough raw images for its failure elsewhere to mean anything."""
    return "strongest_accuracy" in table and bool(convinces(_raw(table)))


def recommend(table: pd.DataFrame, params: CompareParams) -> str:
    """Say in a few sentences which variant to use, or why none.

    Parameters
    ----------
    table : pandas.DataFrame
        From `stages.compare.comparison_table`.
    params : CompareParams
        How much accuracy may be lost, and how much may be named.

    Returns
    -------
    str
        The most accurate of the variants that protect (see `protecting_variants`) and whose drop in accuracy is within
        the bound at the upper end of its interval. An attack that fails proves no privacy, and the sentence does not
        claim it.
    """
    raw = _raw(table)
    if "strongest_accuracy" not in table:
        return "Recommended: none. It is not known who is in the images, and no image was linked to its original."
    if not attacker_convinces(table):
        if "identity_accuracy" not in table:
            return (
                f"Recommended: none. Even raw images are linked to themselves in only {raw['linkage_accuracy']:.1%} of "
                "the cases, so an attacker's failure elsewhere proves nothing."
            )
        return (
            f"Recommended: none. The attacker names the right person in only {raw['identity_accuracy']:.1%} of the raw "
            f"test images, and guessing in {raw['identity_chance']:.1%}; an attacker who names less than "
            f"{CONVINCING_SHARE:.0%} of those that guessing would miss proves nothing by failing elsewhere."
        )
    if raw["accuracy_low"] <= raw["commonest_class"]:
        return (
            f"Recommended: none. Even on raw images the network is not clearly better than always answering the "
            f"commonest class: accuracy {raw['accuracy']:.1%} ({_range(raw, 'accuracy')}) against "
            f"{raw['commonest_class']:.1%}. So what a variant costs was not measured; train longer, or on more images."
        )
    variants = table[table["dataset"] != RAW]
    protecting = variants[protecting_variants(table, params)[variants.index]]
    if variants.empty:
        return "Recommended: none. There is no variant beside the raw images."
    if protecting.empty:
        best = variants.sort_values(["strongest_high", "strongest_accuracy"]).iloc[0]
        if variants["strongest_accuracy"].min() >= raw["strongest_accuracy"]:
            return (
                "Recommended: none. No variant was shown to protect: in each, the strongest attack is right on as many "
                f"test images as in raw ones, {_percent(raw['strongest_accuracy'])}, or more."
            )
        name = best["dataset"]
        return f"Recommended: none. No variant was shown to protect enough; {name} comes closest. {_naming(best)}"
    affordable = protecting[protecting["accuracy_drop_high"] <= params.max_accuracy_drop]
    if affordable.empty:
        best = protecting.loc[protecting["accuracy_drop_high"].idxmin()]
        return (
            f"Recommended: none. What protects costs too much accuracy, or too few test images show what it costs; "
            f"{best['dataset']} is the cheapest. {_cost(best)}"
        )
    best = affordable.loc[affordable["accuracy_drop"].idxmin()]
    return f"Recommended: {best['dataset']}. {_cost(best)} {_naming(best)} Other attackers may do better."


def _raw(table: pd.DataFrame) -> pd.Series:
    return table[table["dataset"] == RAW].iloc[0]


def _cost(row: pd.Series) -> str:
    return (
        f"It costs {100 * row['accuracy_drop']:.1f} points of accuracy "
        f"({100 * row['accuracy_drop_low']:.1f} to {100 * row['accuracy_drop_high']:.1f})."
    )


def _naming(row: pd.Series) -> str:
    return f"{_attacked(row)}{_left_open(row)}"


def _left_open(row: pd.Series) -> str:
    images, regions = (row.get(key, 0) for key in ("images_left_open", "regions_missed"))
    text = f" {images:.0f} of its images have no region and are not anonymized." if images > 0 else ""
    return f"{text} {regions:.0f} of the given regions were missed." if regions > 0 else text


def _attacked(row: pd.Series) -> str:
    if "people_named" not in row:
        part = "the main region of " if row["strongest_attack"].startswith("region_") else ""
        return (
            f"There, whoever holds the originals links {part}{_percent(row['strongest_accuracy'])} of the test images "
            f"to their own ({_range(row, 'strongest')}; {row['strongest_chance']:.1%} by chance). Who is in the images "
            "is not known, so this rests on linkage alone."
        )
    attacker = _ATTACKERS.get(row["strongest_attack"], f"the {row['strongest_attack']} attacker")
    named = round(row["people_named"] * row["people_asked"])
    return (
        f"There, {attacker} names the right person in {_percent(row['strongest_accuracy'])} of the test images that it "
        f"is asked about ({_range(row, 'strongest')}; {row['strongest_chance']:.1%} by chance). Taking each "
        f"person's images together, the attack that names most people names {named} of {row['people_asked']:.0f}."
    )


def _range(row: pd.Series, name: str) -> str:
    return f"95 % interval {row[f'{name}_low']:.1%} to {row[f'{name}_high']:.1%}"


def _percent(share: float) -> str:
    # Rounded as in the table.
    return f"{float(f'{share:.3f}'):.1%}"
