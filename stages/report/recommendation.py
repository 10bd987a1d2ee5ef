"""Says in words what the rule decided: the answer, and each bound of each variant."""

import math
from typing import NamedTuple

import pandas as pd

from stages.results.columns import attacker_name, cell, columns_of, show
from stages.results.decision import COSTS, FAILED, RECOMMENDED, REFUSED, UNDECIDED, Bound, Verdict

# Of each bound: its title, its unit, and what there may be at most, where that is no limit of params.yaml.
_BOUNDS = {
    "attacked": ("attacked", "share"),
    "images_named": ("images named beyond guessing", "share"),
    "people_named": ("people named beyond guessing", "share"),
    "times_chance": ("images named, in times of chance", "times"),
    "images_linked": ("images linked beyond guessing", "share"),
    "images_left_open": ("images left open", "count"),
    "regions_missed": ("regions missed", "count"),
    **{key: (f"accuracy lost on {images} images, in points", "points") for images, key in COSTS.items()},
}


class BoundText(NamedTuple):
    """A bound in words."""

    title: str
    found: str
    limits: str
    limit: str
    state: str  # passed, failed or undecided
    detail: str  # by how much it failed, or what would decide it


def bound_text(bound: Bound) -> BoundText:
    """Say what was found, what is allowed, and what follows."""
    title, unit = _BOUNDS[bound.key]
    value, least, most, limit, excess = (
        _number(number, unit) for number in (bound.value, bound.least, bound.most, bound.limit, bound.excess)
    )
    limits = "" if unit == "count" else f"{least} to {most}"
    if bound.key == "attacked":
        value, limits = "not measured", ""
    points = " points" if unit in ("share", "points") else ""
    detail = f"by {excess.removesuffix(' %')}{points} at least" if bound.state == FAILED else ""
    detail = f"would take {bound.needed}" if bound.state == UNDECIDED else detail
    return BoundText(title, value, limits, limit, bound.state, detail)


def _number(value: float, unit: str) -> str:
    # Times and counts need no unit; a limit such as 25 % no digits behind the point.
    text = f"{value:.1f}" if unit == "times" else show(value, unit)
    return text.replace(".0", "") if text.removesuffix(" %").endswith(".0") else text


def recommend(table: pd.DataFrame, verdicts: dict[str, Verdict]) -> str:
    """Say in a few sentences which variant to use, or why none."""
    if not verdicts:
        return "Recommended: none. There is no variant beside the raw images."
    rows = table.set_index("dataset")
    by_status = {status: [name for name, verdict in verdicts.items() if verdict.status == status]
                 for status in (RECOMMENDED, UNDECIDED, REFUSED)}  # fmt: skip
    passing = sorted(by_status[RECOMMENDED], key=lambda name: rows.loc[name, "accuracy_drop"])
    if passing:
        also = f" {_list(passing[1:])} {_are(passing[1:])} within all bounds too." if passing[1:] else ""
        return (
            f"Recommended: {passing[0]}. It is within all bounds.{also} {_facts(rows.loc[passing[0]])} "
            "Other attackers may do better."
        )
    sentences = ["Recommended: none."]
    for status in (UNDECIDED, REFUSED):
        if by_status[status]:
            sentences.append(f"{_list(by_status[status])} {_are(by_status[status])} {status}.")
    name = (by_status[UNDECIDED] or sorted(by_status[REFUSED], key=lambda name: _excess(verdicts[name])))[0]
    decisive = FAILED if verdicts[name].status == REFUSED else UNDECIDED
    closest = " comes closest on privacy, but" if len(verdicts) > 1 and decisive == FAILED else ""
    verb = "fails" if decisive == FAILED else "leaves open"
    reasons = [_reason(bound) for bound in verdicts[name].bounds if bound.state == decisive]
    sentences.append(f"{name}{closest} {verb}: {'; '.join(reasons)}. {_facts(rows.loc[name])}")
    sentences.append("Publish none of them on the strength of these numbers.")
    return " ".join(sentences)


def _reason(bound: Bound) -> str:
    text = bound_text(bound)
    allowed = "none" if text.limit == "0" else f"at most {text.limit}"
    return f"{text.title} ({text.found}, {allowed} allowed{', ' + text.detail if bound.state == UNDECIDED else ''})"


def _excess(verdict: Verdict) -> float:
    """Return how many times the limit of a bound on privacy is surely passed, at most."""
    failed = [bound for bound in verdict.bounds if bound.state == FAILED and bound.key not in COSTS.values()]
    return max((bound.least / bound.limit if bound.limit else math.inf for bound in failed), default=0.0)


def _facts(row: pd.Series) -> str:
    """Say how many images, and people, are named, and what accuracy is lost."""
    if "strongest_attack" not in row or pd.isna(row["strongest_attack"]):
        return "Nobody is known in the images, and no image was linked to its original, so privacy was not measured."
    known = pd.notna(row.get("named", float("nan")))
    frame = row.to_frame().T
    column = next(column for column in columns_of("brief", frame) if column.key in ("named", "linked"))
    share, _ = cell(row.to_dict(), column)
    attack = f"{attacker_name(row['strongest_attack'])} {'names the right person in' if known else 'links'} {share}"
    chance = show(row["strongest_chance"], "share")
    text = f"{attack[0].upper()}{attack[1:]} of the test images{'' if known else ' to their own originals'}"
    text += f" ({chance} by chance)"
    if known:
        named = row["people_named"] * row["people_asked"]
        text += f", and {named:.3g} of the {row['people_asked']:.0f} people whom it has learned, by all their images"
    else:
        text += "; who is in the images is not known, so this rests on linkage alone"
    return f"{text}. {_cost(row)}"


def _cost(row: pd.Series) -> str:
    drops = [(images, show(row[f"accuracy_drop_{images}"], "points")) for images in COSTS]
    return f"It costs, in points of accuracy, {' and '.join(f'{drop} on {images} images' for images, drop in drops)}."


def _list(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _are(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"
