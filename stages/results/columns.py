"""Every metric once: its key, its title, its unit, what it means, and in which tables it stands."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import pandas as pd

from stages.core.boxes import REGION


class Column(NamedTuple):
    """A metric, and how it is shown."""

    key: str
    title: str
    unit: str  # share, points, number, count, dB, p or text
    tables: str = ""  # where it is shown: names of tables, by spaces
    text: str = ""  # what it means
    interval: str = ""  # its ends are <interval>_low and <interval>_high


# `metrics` is what `dvc metrics` shows, as many as fit into 120 columns beside a path; `brief` is for a README. The
# others are tables of the page.
COLUMNS = (
    Column("accuracy", "accuracy", "share", "metrics brief terminal cost",
           "share of raw test images that a network trained on this data set classifies right; mean over seeds",
           "accuracy"),
    Column("accuracy_anonymized", "on anonymized", "share", "cost",
           "accuracy of the same networks on the data set's own test images, anonymized alike"),
    Column("accuracy_std", "deviation of seeds", "share", "cost", "standard deviation of the accuracy over seeds"),
    Column("accuracy_drop", "drop in points", "points", "metrics brief terminal cost",
           "accuracy of raw less that of this data set, paired by image and seed", "accuracy_drop"),
    Column("p_value", "p", "p", "cost",
           "how often chance alone would make such a difference, corrected for the number of variants (Holm)"),
    Column("probe_accuracy", "probe", "share", "metrics terminal cost",
           "accuracy on raw test images of a linear classifier that sees thumbnails and gradients of this data set: "
           "what is left in the images, where the network tells what it takes to use it"),
    Column("probe_accuracy_anonymized", "probe on anonymized", "share", "cost",
           "accuracy of the probe on the data set's own test images"),
    Column("probe_drop", "drop of the probe", "points", "", "probe_accuracy of raw less that of this data set"),
    Column("macro_f1", "macro F1", "number", "cost", "F1 on raw test images, mean over classes"),
    Column("loss", "loss", "number", "", "cross-entropy on raw test images, in nats"),
    Column("expected_calibration_error", "calibration error", "share", "cost",
           "how far the network's confidence and its accuracy are apart on average"),
    Column("brier_score", "Brier score", "number", "cost", "squared error of the probabilities, from 0 to 2"),
    Column("reconstruction_psnr_gain", "dB regained", "dB", "cost regions",
           "what the best restoration that we try wins back, in PSNR"),
    Column("reconstruction_ssim", "SSIM restored", "number", "cost regions",
           "structural similarity of restored image and original; 1 is equal"),
    Column("keypoint_survival", "key points left", "share", "cost regions",
           "share of the original's ORB key points that are still found in their place"),
    Column("unchanged_pixels", "pixels left", "share", "cost regions", "share of pixels that are as they were"),
    Column("named", "named at worst", "share", "metrics brief terminal named",
           "share of test images in which the strongest of all attackers names the right person", "strongest"),
    Column("strongest_chance", "by chance", "share", "named",
           "what the strongest of as many attackers names by chance, when the asked people are exchanged at random"),
    Column("people_named", "people named", "share", "named",
           "share of people whose own name is given most often to their images, by the attacker who names most; a tie "
           "between k names counts 1 / k", "people_named"),
    Column("most_exposed", "most exposed", "share", "named",
           "share of images named of the person who is named most reliably; whoever gives all images one name exposes "
           "that person, and learns nothing"),
    Column("times_chance", "times of chance", "number", "",
           "share of images named over that, by attackers who were asked about half of the images or more"),
    Column("images_advantage", "images beyond guessing", "share", "",
           "share of the images that blind guessing with the same names would miss in which the person is named"),
    Column("people_advantage", "people beyond guessing", "share", "", "the same of people"),
    Column("region_named", "by main region", "share", "named",
           "share of images named by the strongest attacker who sees the main region alone", "region_named"),
    Column("identity_accuracy", "informed", "share", "named",
           "share of images named by the attacker who trains on anonymized images of the same people", "identity"),
    Column("identity_rank5", "among the 5 nearest", "share", "named",
           "share of images whose person is among the informed attacker's five best guesses"),
    Column("identity_auc", "AUC", "number", "named",
           "how often the informed attacker finds the right pair of image and person nearer than a wrong one; 0.5 by "
           "chance"),
    Column("identity_tpr_at_fpr1", "found at 1 % false positives", "share", "named",
           "share of right pairs found while at most 1 % of the wrong ones are accepted"),
    Column("linked", "linked", "share", "metrics terminal named",
           "share of test images that whoever holds the originals links to their own, whole or by main region: the "
           "higher of both", "linked"),
    Column("images_left_open", "images left open", "count", "regions",
           "images without a known region, which a variant that acts on regions leaves as they are"),
    Column("regions_missed", "regions missed", "count", "regions",
           "given regions that the detector left open; each of them shows a person"),
    Column("regions_found", "still found", "share", "regions",
           "share of regions that the detector finds in the anonymized images"),
    Column("membership_auc", "membership AUC", "number", "membership",
           "of all pairs of a training and a held-out image, the share in which the attacker ranks the training image "
           "first; 0.5 by guessing", "membership"),
    Column("membership_tpr_at_fpr1", "found at 1 % false positives", "share", "membership",
           "share of training images found while at most 1 % of the held-out images are mistaken for one"),
    Column("membership_auc_loss", "AUC of the loss", "number", "membership",
           "of the attack that ranks images by how sure the network is of them"),
    Column("membership_auc_calibrated", "AUC, calibrated", "number", "membership",
           "of the attack that ranks them by how much surer it is than the networks of the other seeds"),
    Column("commonest_class", "commonest class", "share", "", "accuracy of always answering the commonest class"),
    Column("verdict", "verdict", "text", "brief terminal", "recommended, refused or undecided"),
    Column("recommended", "recommended", "count", "metrics", "1, 0, absent where undecided"),
)  # fmt: skip
_BY_KEY = {column.key: column for column in COLUMNS}
METRIC_KEYS = tuple(column.key for column in COLUMNS if "metrics" in column.tables.split())
# The attack that knows the noise shows what its leak would cost; nobody else can run it.
KNOWN_NOISE = "noise_known"
# All attackers that name people, and linkage. Those who need evidence alone are listed in `attacks/attackers.py` too.
ATTACKERS = {
    "informed": "an attacker who knows the method",
    "naive": "an attacker who has seen originals only",
    "restored": "an attacker who restores the images first",
    "restored_informed": "an attacker who learned from restored images and restores the images first",
    "noise_guessed": "an attacker who guesses the noise",
    KNOWN_NOISE: "an attacker who knows the noise",
    "recognizer": "a stranger with a face recognizer",
    "linkage": "whoever holds the originals",
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
    return Column(key, title, "share", "", f"share of images named by {attacker_name(part + attacker)}{counts}")


def show(value: Any, unit: str) -> str:
    """Write a value, as it is in the files, for people: the one place where numbers are rounded.

    Examples
    --------
    >>> show(0.9825, "share"), show(-0.0004, "points"), show(0.00004, "p"), show(float("nan"), "dB")
    ('98.3 %', '0.0', '< 0.001', '')
    """
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
