"""Every metric once, in `columns.csv`: its key, title and unit, what it means, and in which tables it is shown."""

import csv
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stages.core.boxes import REGION


class Column(NamedTuple):
    """A metric, and how it is shown."""

    key: str
    title: str
    unit: str  # share, points, number, count, dB, p or text
    tables: str = ""  # where it is shown, by spaces: metrics (of `dvc metrics`), brief (a README), or one of the page
    interval: str = ""  # its ends are <interval>_low and <interval>_high
    text: str = ""  # what it means


with Path(__file__).with_name("columns.csv").open(encoding="utf-8", newline="") as _stream:
    COLUMNS = tuple(Column(**row) for row in csv.DictReader(_stream))
_BY_KEY = {column.key: column for column in COLUMNS}
METRIC_KEYS = tuple(column.key for column in COLUMNS if "metrics" in column.tables.split())
# The attack that knows the noise shows what its leak would cost; nobody else can run it.
KNOWN_NOISE = "noise_known"
OF_LABEL = "informed_"  # begins the names of attackers of the largest region of a label, which follows
# All attackers that name people, and linkage. Those who need evidence alone are listed in `attacks/attackers.py` too.
ATTACKERS = {
    "informed": "an attacker who knows the method",
    "naive": "an attacker who has seen originals only",
    "restored": "an attacker who restores the images first",
    "restored_informed": "an attacker who learned from restored images and restores the images first",
    "noise_guessed": "an attacker who guesses the noise",
    KNOWN_NOISE: "an attacker who knows the noise",
    "every": "an attacker who looks at every region of an image and trusts the clearest",
    "recognizer": "a stranger with a face recognizer",
    "recognizer_alike": "a stranger with a face recognizer and photos anonymized alike",
    "size": "an attacker who compares the sizes of images and files",
    "tiles": "an attacker who compares details at full resolution",
    "outline": "an attacker who measures the outlines of regions",
    "surroundings": "an attacker who looks around the regions",
    "likelihood": "an attacker who knows how strong the noise is",
    "linkage": "whoever holds the originals",
    "size_linkage": "whoever holds the originals and compares sizes",
    "likelihood_linkage": "whoever holds the originals and knows how strong the noise is",
}


class Exposure(NamedTuple):
    """What the strongest attack does to a test image: the metric, the name of its interval, and words."""

    key: str
    interval: str
    words: str


def exposure_of(table: pd.DataFrame) -> Exposure:
    """Return what counts as exposure: being named, or where nobody is known, being linked."""
    if "named" in table:
        return Exposure("named", "strongest", "named by the strongest attack")
    return Exposure("linked", "linked", "linked to their originals")


def attacker_name(attack: str) -> str:
    """Return an attacker's name in words."""
    attacker = attack.removeprefix(REGION)
    if attacker.startswith(OF_LABEL):
        return f"{ATTACKERS['informed']} and looks at the largest region labelled {attacker.removeprefix(OF_LABEL)}"
    if attacker == "every":
        return ATTACKERS[attacker]
    words = ATTACKERS.get(attacker, f"the {attacker.replace('_', ' ')} attacker")
    return f"{words} and looks at the main region alone" if attack.startswith(REGION) and " who " in words else words


def columns_of(name: str, table: pd.DataFrame) -> list[Column]:
    """Return the columns of a table of that name, in order, that any data set has.

    In ``named`` every other attacker who names people has a column too, and in ``brief`` linkage only where nobody is
    known.
    """
    chosen = [column for column in COLUMNS if name in column.tables.split()]
    if name == "named":
        chosen += [_attacker_column(key) for key in table if "identity_accuracy_" in key]
    if name == "regions":
        chosen = [_of_region(column, table) for column in chosen]
    if name == "brief" and "named" not in table:
        place = next(place for place, column in enumerate(chosen) if column.key == "named")
        chosen[place] = _BY_KEY["linked"]._replace(title="linked at worst")
    return [column for column in chosen if column.key in table and table[column.key].notna().any()]


def _of_region(column: Column, table: pd.DataFrame) -> Column:
    return column._replace(key=REGION + column.key) if REGION + column.key in table else column


def _attacker_column(key: str) -> Column:
    part, _, attacker = key.partition("identity_accuracy_")
    title = f"{attacker.replace('_', ' ')}{', region' if part else ''}"
    counts = "; it needs what is kept secret, so it does not count as an attack" if attacker == KNOWN_NOISE else ""
    text = f"share of images named by {attacker_name(part + attacker)}{counts}"
    return Column(key, title, "share", text=text)


def show(value: Any, unit: str) -> str:
    """Write a value, as it is in the files, for people: the one place where numbers are rounded."""
    if pd.isna(value):
        return ""
    if unit in ("text", "count"):
        return value if unit == "text" else f"{value:.0f}"
    if unit == "p" and value < 0.001:
        return "< 0.001"
    number = Decimal(repr(round(float(value), 6))) * (100 if unit in ("share", "points") else 1)
    digits = {"share": 1, "points": 1, "dB": 2}.get(unit, 3)
    text = str(number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    text = text.removeprefix("-") if not float(text) else text
    return f"{text} %" if unit == "share" else text


def cell(row: Mapping[str, Any], column: Column) -> tuple[str, str]:
    """Return a value, and its 95 % interval or nothing, as text."""
    text = show(row[column.key], column.unit)
    ends = [row.get(f"{column.interval}_{end}", float("nan")) for end in ("low", "high")] if column.interval else []
    if not text or not ends or pd.isna(ends[0]):
        return text, ""
    return text, " to ".join(show(end, "points" if column.unit == "share" else column.unit) for end in ends)


def unit_of(key: str) -> str:
    """Return a column's unit, also of one that is not in the list: an interval's end, a class, what an attack found."""
    if key in _BY_KEY:
        return _BY_KEY[key].unit
    bare = key.removeprefix(REGION)
    for column in COLUMNS:
        if {key, bare} & {column.key, *(f"{column.interval}_{end}" for end in ("low", "high", "least", "most"))}:
            return column.unit
    shares = ("_accuracy", "_chance", "_rank5", "_tpr_at_fpr1", "_advantage_least", "_advantage_most")
    return "share" if key.startswith("class ") or "identity_accuracy" in key or key.endswith(shares) else "number"
