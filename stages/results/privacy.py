"""The metrics of what attackers learned of one data set, computed from their verdicts."""

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from stages.core.boxes import REGION
from stages.results.columns import KNOWN_NOISE
from stages.results.naming import (
    Counts,
    Naming,
    Verdicts,
    images_named,
    most_exposed,
    people_named,
    strongest_by_chance,
)
from stages.results.scores import rounded

VIEWS = ("", REGION)  # of whole images, and of their main regions: begins the names of attackers and metrics
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
        Rounded to 4 decimals; explained in `stages.results.columns`. <attack>_<key> and region_<attack>_<key> are what
        the attacks of `stages.attacks.attackers` found. What could not be measured is absent.
    """
    row: dict[str, float] = {}
    for prefix in VIEWS:
        row |= {f"{prefix}{key}": value for key, value in _identity_row(scores.get(f"{prefix}identity")).items()}
        row |= {f"{prefix}{key}": value for key, value in _pixel_row(scores, prefix).items()}
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
    """Compute what the rule rests on: the strongest of the attacks that were run, its intervals and limits.

    Parameters
    ----------
    scores : dict
        What the attacks learned, as `attack` wrote it.

    Returns
    -------
    dict of str to object
        Rounded to 4 decimals; explained in `stages.results.columns`. Where nobody is known, the attack is linkage, and
        what concerns people is absent.
    """
    attacks = attacks_run(scores)
    linked = _linkage_exposure(scores["findings"])
    if not attacks:
        return linked
    count = len(attacks)
    images = {attacker: images_named(verdicts, count) for attacker, verdicts in attacks.items()}
    people = {attacker: people_named(verdicts, count) for attacker, verdicts in attacks.items()}
    strongest = max(images, key=lambda attacker: images[attacker].share)
    most = max(people, key=lambda attacker: people[attacker].share)
    # Who was asked about few images, such as restored ones, cannot be told from chance where people are many.
    enough = max(len(verdicts.people) for verdicts in attacks.values()) / 2
    often = [attacker for attacker, verdicts in attacks.items() if len(verdicts.people) >= enough]
    chance = strongest_by_chance([attacks[attacker] for attacker in often])
    return (
        {key: value for key, value in linked.items() if key.startswith("linked")}
        | {
            "informed_attacker": scores["identity"]["attacker"],
            "strongest_attack": strongest,
            **rounded(
                {
                    "identity_low": images["informed"].low,
                    "identity_high": images["informed"].high,
                    "named": images[strongest].share,
                    "strongest_low": images[strongest].low,
                    "strongest_high": images[strongest].high,
                    "people_named": people[most].share,
                    "people_named_low": people[most].low,
                    "people_named_high": people[most].high,
                    "most_exposed": max(most_exposed(verdicts) for verdicts in attacks.values()),
                    "people_left_out": scores["identity"]["left_out"]["people"],
                }
            ),
            "strongest_chance": chance,
            "times_chance": max(images[attacker].share for attacker in often) / chance,
            "times_chance_least": max(images[attacker].least for attacker in often) / chance,
            "times_chance_most": max(images[attacker].most for attacker in often) / chance,
            **_advantages("images", images),
            **_advantages("people", people),
            "images_asked": len(attacks[strongest].people),
            "people_asked": len(np.unique(attacks[most].people)),
            "attackers": count,
        }
        | _region_exposure(images)
    )


def _advantages(name: str, namings: dict[str, Naming]) -> dict[str, float]:
    """Return the greatest advantage over guessing of any attacker, and its limits."""
    parts = (f"{name}_advantage", f"{name}_advantage_least", f"{name}_advantage_most")
    found = zip(*((one.advantage, one.advantage_least, one.advantage_most) for one in namings.values()), strict=True)
    return {part: max(values) for part, values in zip(parts, found, strict=True)}


def _region_exposure(images: dict[str, Naming]) -> dict[str, float]:
    of_regions = [naming for attacker, naming in images.items() if attacker.startswith(REGION)]
    if not of_regions:
        return {}
    strongest = max(of_regions, key=lambda naming: naming.share)
    return rounded(
        {"region_named": strongest.share, "region_named_low": strongest.low, "region_named_high": strongest.high}
    )


def _linkage_exposure(findings: dict[str, float]) -> dict[str, float | str]:
    namings, chances = {}, {}
    for attack in [f"{prefix}linkage" for prefix in VIEWS if f"{prefix}linkage_accuracy" in findings]:
        share, chance, images = (findings[f"{attack}_{key}"] for key in ("accuracy", "chance", "images"))
        each = np.ones(int(images))
        namings[attack], chances[attack] = Counts(each, share * each, chance * each).naming(), chance
    if not namings:
        return {}
    strongest = max(namings, key=lambda attack: namings[attack].share)
    naming = namings[strongest]
    ends = {"low": naming.low, "high": naming.high}
    return {
        "strongest_attack": strongest,
        **rounded({"linked": naming.share} | {f"linked_{end}": value for end, value in ends.items()}),
        "strongest_chance": chances[strongest],
        **_advantages("images", namings),
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
