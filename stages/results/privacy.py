"""The metrics of what attackers learned of one data set, computed from their verdicts."""

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from stages.core.boxes import REGION
from stages.results.columns import KNOWN_NOISE
from stages.results.counts import (
    Counts,
    Naming,
    Verdicts,
    images_named,
    most_exposed,
    people_named,
    strongest_by_chance,
)
from stages.results.scores import VIEWS, Identity, Measured, Privacy, rounded

# Of the raw images that guessing would miss. An identity attacker who names fewer proves nothing about anonymized ones.
CONVINCING_SHARE = 0.8


def privacy_row(scores: Privacy) -> dict[str, float]:
    """Compute the privacy metrics of one data set; what could not be measured is absent."""
    row: dict[str, float] = {}
    for view in VIEWS:
        found = {**_identity_row(getattr(scores, f"{view}identity")), **_pixel_row(scores.measured, view)}
        row |= {f"{view}{key}": value for key, value in found.items()}
    if found_regions := _values(scores.measured, "regions_found"):
        row["regions_found"] = sum(found_regions) / sum(_values(scores.measured, "regions_asked"))
    return rounded(row | scores.left_open | scores.findings)


def _identity_row(identity: Identity | None) -> dict[str, float]:
    if identity is None:
        return {}
    row = {
        f"identity_accuracy_{attacker}".removesuffix("_informed"): fmean(np.equal(names.people, names.named))
        for attacker, names in identity.attacks.items()
    }
    points = {f"identity_{key}": value for key, value in identity.operating_points.items()}
    return row | {"identity_chance": identity.chance} | points


def _pixel_row(measured: Measured, view: str) -> dict[str, float]:
    kinds = ("psnr", "psnr_restored", "ssim_restored", "keypoint_survival", "unchanged_pixels")
    before, after, alike, points, pixels = (_values(measured, f"{view}{kind}") for kind in kinds)
    if not before:
        return {}
    row = {"reconstruction_psnr_gain": fmean(after) - fmean(before), "reconstruction_ssim": fmean(alike)}
    return row | ({"keypoint_survival": fmean(points)} if points else {}) | {"unchanged_pixels": fmean(pixels)}


def _values(measured: Measured, key: str) -> list[float]:
    return [value for value in measured.get(key, []) if value is not None]


def exposure(scores: Privacy) -> dict[str, float | int | str]:
    """Compute what the rule rests on: the strongest of the attacks that were run, its intervals and limits.

    Where nobody is known, that is linkage, and what concerns people is absent.
    """
    attacks, linked = attacks_run(scores), _linkage_exposure(scores.findings)
    if not attacks or scores.identity is None:
        return linked
    images = {attacker: images_named(verdicts, len(attacks)) for attacker, verdicts in attacks.items()}
    people = {attacker: people_named(verdicts, len(attacks)) for attacker, verdicts in attacks.items()}
    strongest = max(images, key=lambda attacker: images[attacker].share)
    most = max(people, key=lambda attacker: people[attacker].share)
    of_regions = [naming for attacker, naming in images.items() if attacker.startswith(REGION)]
    return {
        **{key: value for key, value in linked.items() if key.startswith("linked")},
        **{"informed_attacker": scores.identity.attacker, "strongest_attack": strongest},
        **_shares("identity", images["informed"], share=""),
        **_shares("strongest", images[strongest], share="named"),
        **_shares("people_named", people[most]),
        "most_exposed": round(max(most_exposed(verdicts) for verdicts in attacks.values()), 4),
        "people_left_out": float(scores.identity.left_out["people"]),
        **_times_chance(attacks, images),
        **_advantages("images", images),
        **_advantages("people", people),
        "images_asked": len(attacks[strongest].people),
        "people_asked": len(np.unique(attacks[most].people)),
        "attackers": len(attacks),
        **(_shares("region_named", max(of_regions, key=lambda naming: naming.share)) if of_regions else {}),
    }


def _shares(name: str, naming: Naming, share: str | None = None) -> dict[str, float]:
    """Return a share under a name of its own, or none, and the ends of its interval."""
    share = name if share is None else share
    row = {share: naming.share, f"{name}_low": naming.low, f"{name}_high": naming.high}
    return rounded({key: value for key, value in row.items() if key})


def _times_chance(attacks: dict[str, Verdicts], images: dict[str, Naming]) -> dict[str, float]:
    # An attacker that was asked about few images cannot be distinguished from chance where people are many.
    enough = max(len(verdicts.people) for verdicts in attacks.values()) / 2
    often = [attacker for attacker, verdicts in attacks.items() if len(verdicts.people) >= enough]
    chance = strongest_by_chance([attacks[attacker] for attacker in often])
    return {
        "strongest_chance": chance,
        "times_chance": max(images[attacker].share for attacker in often) / chance,
        "times_chance_least": max(images[attacker].least for attacker in often) / chance,
        "times_chance_most": max(images[attacker].most for attacker in often) / chance,
    }


def _advantages(name: str, namings: dict[str, Naming]) -> dict[str, float]:
    """Return the greatest advantage over guessing of any attacker, and its limits."""
    parts = ("advantage", "advantage_least", "advantage_most")
    return {f"{name}_{part}": max(getattr(naming, part) for naming in namings.values()) for part in parts}


def _linkage_exposure(findings: dict[str, float]) -> dict[str, float | int | str]:
    namings, chances = {}, {}
    for attack in [key.removesuffix("_accuracy") for key in findings if key.endswith("linkage_accuracy")]:
        share, chance, images = (findings[f"{attack}_{key}"] for key in ("accuracy", "chance", "images"))
        each = np.ones(int(images))
        namings[attack], chances[attack] = Counts(each, share * each, chance * each).naming(), chance
    if not namings:
        return {}
    strongest = max(namings, key=lambda attack: namings[attack].share)
    return {
        "strongest_attack": strongest,
        **_shares("linked", namings[strongest]),
        "strongest_chance": chances[strongest],
        **_advantages("images", namings),
    }


def convinces(row: Mapping[str, float]) -> bool:
    """Tell whether an attacker finds enough on raw images for its failure elsewhere to mean anything.

    The informed attacker counts, or where nobody is known, linkage.
    """
    attack = "identity" if "identity_accuracy" in row else "linkage"
    accuracy, chance = row[f"{attack}_accuracy"], row[f"{attack}_chance"]
    return accuracy - chance >= CONVINCING_SHARE * (1 - chance)


def read_verdicts(scores: Privacy) -> dict[str, Verdicts]:
    """Return whom each attacker names, by attacker; empty where nobody is known."""
    views = ((view, getattr(scores, f"{view}identity")) for view in VIEWS)
    return {
        f"{view}{name}": Verdicts(
            np.array(found.people), np.array(found.named), identity.paths, np.array(found.pooled or found.named)
        )
        for view, identity in views
        if identity
        for name, found in identity.attacks.items()
    }


def attacks_run(scores: Privacy) -> dict[str, Verdicts]:
    """Return the verdicts of those attackers who need nothing that is kept secret."""
    return {name: verdicts for name, verdicts in read_verdicts(scores).items() if not name.endswith(KNOWN_NOISE)}
