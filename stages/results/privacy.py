"""The metrics of what attackers learned of one data set, computed from their verdicts."""

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from stages.results.naming import Naming, Verdicts, images_named, most_exposed, people_named
from stages.results.scores import rounded
from stages.results.statistics import wilson_interval

# The attack that knows the noise shows what its leak would cost; nobody else can run it.
KNOWN_NOISE = "noise_known"
VIEWS = ("", "region_")  # of whole images, and of their main regions: begins the names of attackers and metrics
# Of the raw images that guessing would miss. An identity attacker who names fewer proves nothing about anonymized ones.
CONVINCING_SHARE = 0.8


def privacy_row(scores: dict) -> dict[str, float]:
    """Compute the privacy metrics of one data set.

    Parameters
    ----------
    scores : dict
        What the attacks learned, as `attack` wrote it.

    Returns
    -------
    dict of str to float
        Flat, rounded to 4 decimals. Shares of images: identity_accuracy (of the informed attacker),
        identity_accuracy_<attacker> for the others, identity_chance. Of the informed attacker's distances:
        identity_rank5, identity_auc, identity_tpr_at_fpr1 (`stages.attacks.operating_points`). Then
        reconstruction_psnr_gain (dB), reconstruction_ssim, keypoint_survival, unchanged_pixels. All of these again as
        region_<key>, of the main regions of images. Share of people: people_named, by the attacker who names most.
        Counts: images_left_open, regions_given, regions_missed. Share of regions: regions_found. <attack>_<key> and
        region_<attack>_<key>: what the attacks of `stages.attacks.evidence.find_attacks` found. What could not be
        measured is absent.
    """
    row: dict[str, float] = {}
    for prefix in VIEWS:
        row |= {f"{prefix}{key}": value for key, value in _identity_row(scores.get(f"{prefix}identity")).items()}
        row |= {f"{prefix}{key}": value for key, value in _pixel_row(scores, prefix).items()}
    if "identity" in scores:
        row["people_named"] = max(people_named(verdicts).share for verdicts in attacks_run(scores).values())
    found = _measured(scores.get("regions_found", []))
    if found:
        row["regions_found"] = sum(found) / sum(_measured(scores["regions_asked"]))
    row |= scores["left_open"]
    return rounded(row | scores["findings"])


def _identity_row(identity: dict | None) -> dict[str, float]:
    if identity is None:
        return {}
    row: dict[str, float] = {}
    for attacker, one in identity["attacks"].items():
        key = "identity_accuracy" if attacker == "informed" else f"identity_accuracy_{attacker}"
        row[key] = fmean(np.equal(one["people"], one["named"]))
    row["identity_chance"] = identity["chance"]
    return row | {f"identity_{key}": value for key, value in identity["operating_points"].items()}


def _pixel_row(scores: dict, prefix: str) -> dict[str, float]:
    kinds = ("psnr", "psnr_restored", "ssim_restored", "keypoint_survival", "unchanged_pixels")
    before, after, alike, points, pixels = (_measured(scores.get(f"{prefix}{kind}", [])) for kind in kinds)
    if not before:
        return {}
    gain = fmean(after) - fmean(before)
    row = {"reconstruction_psnr_gain": gain, "reconstruction_ssim": fmean(alike)}
    if points:
        row["keypoint_survival"] = fmean(points)
    return row | {"unchanged_pixels": fmean(pixels)}


def _measured(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def exposure(scores: dict) -> dict[str, float | int | str]:
    """Compute what the recommendation rests on: the strongest of the attacks that were run, and its intervals.

    Parameters
    ----------
    scores : dict
        What the attacks learned, as `attack` wrote it.

    Returns
    -------
    dict of str to object
        Which candidate it is: informed_attacker. Shares of images: identity_low and identity_high of that attacker;
        strongest_accuracy with strongest_low, strongest_high and strongest_chance of strongest_attack; region_named
        with region_named_low and region_named_high of the strongest attacker who looks at regions; most_exposed, of one
        person's images. Shares of people: people_named_low and people_named_high of the attacker who names most of the
        people_asked, which are fewer where it sees a part of the images. Of the share that blind guessing would miss,
        the greatest of all
        attackers: strongest_advantage_high, people_advantage_high. Count: people_left_out. Where nobody is known, the
        attack is linkage, and what concerns people is absent.
    """
    attacks = attacks_run(scores)
    if not attacks:
        return _linkage_exposure(scores["findings"])
    images = {attacker: images_named(verdicts) for attacker, verdicts in attacks.items()}
    people = {attacker: people_named(verdicts) for attacker, verdicts in attacks.items()}
    strongest = max(images, key=lambda attacker: images[attacker].share)
    most = max(people, key=lambda attacker: people[attacker].share)
    return {
        "identity_low": images["informed"].low,
        "identity_high": images["informed"].high,
        "informed_attacker": scores["identity"]["attacker"],
        "strongest_attack": strongest,
        "strongest_accuracy": images[strongest].share,
        "strongest_chance": scores[f"{VIEWS[strongest.startswith(VIEWS[1])]}identity"]["chance"],
        "strongest_low": images[strongest].low,
        "strongest_high": images[strongest].high,
        "strongest_advantage_high": max(naming.advantage_high for naming in images.values()),
        "people_named_low": people[most].low,
        "people_named_high": people[most].high,
        "people_advantage_high": max(naming.advantage_high for naming in people.values()),
        "most_exposed": max(most_exposed(verdicts) for verdicts in attacks.values()),
        "people_asked": len(np.unique(attacks[most].people)),
        "people_left_out": scores["identity"]["left_out"]["people"],
    } | _region_exposure(images)


def _region_exposure(images: dict[str, Naming]) -> dict[str, float]:
    of_regions = [naming for attacker, naming in images.items() if attacker.startswith(VIEWS[1])]
    if not of_regions:
        return {}
    strongest = max(of_regions, key=lambda naming: naming.share)
    return {"region_named": strongest.share, "region_named_low": strongest.low, "region_named_high": strongest.high}


def _linkage_exposure(findings: dict[str, float]) -> dict[str, float | str]:
    attacks = [f"{prefix}linkage" for prefix in VIEWS if f"{prefix}linkage_accuracy" in findings]
    rows = []
    for attack in attacks:
        share, chance, count = (findings[f"{attack}_{key}"] for key in ("accuracy", "chance", "images"))
        low, high = wilson_interval(round(share * count), int(count))
        rows.append((share, low, high, (high - chance) / (1 - chance), attack, chance))
    if not rows:
        return {}
    share, low, high, _, attack, chance = max(rows, key=lambda row: row[0])
    return {
        "strongest_attack": attack,
        "strongest_accuracy": share,
        "strongest_low": low,
        "strongest_high": high,
        "strongest_chance": chance,
        "strongest_advantage_high": max(row[3] for row in rows),
    }


def convinces(row: Mapping[str, float]) -> bool:
    """Tell whether an attacker finds enough on raw images for its failure elsewhere to mean anything.

    Parameters
    ----------
    row : mapping of str to float
        Of raw images. The informed attacker counts, or where nobody is known, who links images to their originals.

    Returns
    -------
    bool
        Whether it is right on at least `CONVINCING_SHARE` of those that guessing would miss.
    """
    attack = "identity" if "identity_accuracy" in row else "linkage"
    accuracy, chance = row[f"{attack}_accuracy"], row[f"{attack}_chance"]
    return accuracy - chance >= CONVINCING_SHARE * (1 - chance)


def read_verdicts(scores: dict) -> dict[str, Verdicts]:
    """Return whom each attacker names, by attacker; empty where nobody is known."""
    return {
        f"{prefix}{name}": Verdicts(np.array(one["people"]), np.array(one["named"]))
        for prefix in VIEWS
        for name, one in scores.get(f"{prefix}identity", {"attacks": {}})["attacks"].items()
    }


def attacks_run(scores: dict) -> dict[str, Verdicts]:
    """Return the verdicts of those attackers who need nothing that is kept secret."""
    return {name: verdicts for name, verdicts in read_verdicts(scores).items() if not name.endswith(KNOWN_NOISE)}
