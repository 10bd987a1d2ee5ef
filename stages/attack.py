"""Attacks a data set as someone would who knows its method and holds the training images, raw and anonymized.

Scored on test images only, whole and cut to their main region. Writes what the attacks found to
`data/scores/privacy/<dataset>.json`, and the gallery's images, restored as well as possible, to
`data/restored/<dataset>/`; raw images need no restoration.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stages.attacks.attackers import run_attacks
from stages.attacks.evidence import Evidence
from stages.attacks.identity import Identifier, chance_of, learn, train_identifier, training_sets
from stages.attacks.operating_points import measure_operating_points
from stages.attacks.pooling import Distances, groups_of, near_duplicates, vote
from stages.attacks.recognition import SIDE, Recognizer, recognition
from stages.attacks.roles import Roles
from stages.core.errors import PipelineError, run_stage
from stages.core.files import write_file
from stages.core.images import SPLITS
from stages.core.machine import environment
from stages.core.parallel import print_summary
from stages.core.params import RAW, Params, load_params
from stages.core.paths import RESTORED
from stages.core.people import IDENTITIES, read_people
from stages.core.store import remembered
from stages.evidence.guarantee import check_guarantee
from stages.evidence.leftovers import count_left_open, measure_images
from stages.evidence.native import attack_natively
from stages.evidence.noise import noise_removers
from stages.evidence.target import Change, Target, load_target, train_target_restorer
from stages.evidence.views import View, crops_of_several, face_view, gather, label_views, make_views, surroundings_view
from stages.results.gallery import write_gallery
from stages.results.privacy import convinces, exposure, privacy_row
from stages.results.scores import Privacy, privacy_file

Hold = Callable[[Change | None], Evidence]  # gathers the images of one view, first changed in a way


def attack(dataset: str) -> None:
    """Run all attacks on one data set."""
    params = load_params().require_classes("attack")
    recognizer = _load_recognizer(params.attack.recognizer) if params.attack.recognizer else None
    target = load_target(dataset, params)
    splits = {split: target.raw.paths(split) for split in SPLITS}
    restorer = train_target_restorer(target, splits["train"])

    def restore(image: np.ndarray, path: str) -> np.ndarray:
        return target.restore(image, path, restorer)

    write_gallery(dataset, params.data.seed, gallery=RESTORED, change=restore)
    people = read_people()
    views = make_views(target, people)
    roles = views[0].roles
    _print_who_is_left_out(roles, params)
    scores, restored = measure_images(target, restore, splits["test"], roles.asked if roles else (), views)
    scores |= {"restorer": restorer.name, "left_open": count_left_open(target, splits)}
    scores |= {"findings": {}, "effort": params.attack.effort}
    bursts: dict[str, int] = {}
    for view, images in zip(views, restored, strict=True):
        hold = partial(gather, target, view, splits)
        findings, identity = _attack_view(target, view, splits, hold, bursts, images, restore)
        scores["findings"] |= findings
        if identity:
            scores[f"{view.prefix}identity"] = identity
    if "region_identity" in scores:
        labels = {f"informed_{label or 'unlabelled'}": view for label, view in label_views(target, people).items()}
        for name, view in (labels | surroundings_view(target, people)).items():
            evidence = gather(target, view, splits)
            identifier = learn(training_sets(evidence, raw=False), evidence.seed)
            test = evidence.test.known()
            asked = view.roles.asked if view.roles else ()
            found = _verdicts(test.people, _look(identifier, test.anonymized), groups_of(asked, bursts))
            scores["region_identity"]["attacks"][name] = found
    if len(views) > 1 and recognizer:
        faces = face_view(target, SIDE, views[1].roles)
        _recognize(faces, gather(target, faces, splits), recognizer, scores)
    if target.groups is not None:
        scores["guarantee"] = check_guarantee(target, scores)
    scores["made_with"] = {"attack": environment()}
    write_file(privacy_file(dataset), (json.dumps(scores) + "\n").encode())
    print_summary(f"attack: {_summary(dataset, scores)}; scores in {privacy_file(dataset)}")


def _attack_view(
    target: Target,
    view: View,
    splits: dict[str, list[str]],
    hold: Hold,
    bursts: dict[str, int],
    restored: dict[str, np.ndarray],
    restore: Change,
) -> tuple[dict[str, float], dict[str, Any] | None]:
    """Run all attacks on what a view shows; return the numbers that they found, and whom they name, if any is known.

    `bursts` are groups of near-duplicates among the test images, by path; the first view, of whole images, fills it.
    """
    evidence = hold(None)
    numbers, names = run_attacks(evidence)
    test = evidence.test.known()
    if view.roles and not bursts:
        bursts.update(zip(view.roles.asked, near_duplicates(test.raw, test.people).tolist(), strict=True))
    native, named = attack_natively(target, view, splits, bursts)
    findings = {f"{view.prefix}{key}": value for key, value in (numbers | native).items()}
    if view.roles is None:
        return findings, None
    asked = view.roles.asked
    params, is_raw = target.params.attack, target.name == RAW
    naive = informed = _train_naive(view, evidence)
    if not is_raw or params.effort == "thorough":
        informed = learn(training_sets(evidence, raw=False), evidence.seed, _trainer(params.effort))
    named |= {name: vote(found) for name, found in names.items()}
    named |= {"informed": _look(informed, test.anonymized), "naive": _look(naive, test.anonymized)}
    for name, remove in noise_removers(target, next(iter(asked))).items():
        denoised = hold(remove)
        identifier = learn(training_sets(denoised, raw=False), denoised.seed)
        named[name] = _look(identifier, denoised.test.known().anonymized)
    if view.prefix:
        named |= _name_by_every_region(target, list(asked), informed, named["informed"])
    groups = groups_of(asked, bursts)
    attacks = {name: _verdicts(test.people, found, groups) for name, found in named.items()}
    judged = [path for path in asked if path in restored]
    if judged:
        people, images = np.array([asked[path] for path in judged]), np.stack([restored[path] for path in judged])
        groups = groups_of(judged, bursts)
        attacks["restored"] = _verdicts(people, _look(naive, images), groups)
        if not is_raw and params.effort == "thorough":
            identifier = learn(training_sets(hold(restore), raw=False), evidence.seed)
            attacks["restored_informed"] = _verdicts(people, _look(identifier, images), groups)
    return findings, {
        "attacker": informed.name,
        "paths": list(asked),
        "attacks": attacks,
        "operating_points": measure_operating_points(informed, test.anonymized, test.people),
        "chance": chance_of(evidence),
        "left_out": {"people": view.roles.people_left_out, "images": view.roles.images_left_out},
    }


def _name_by_every_region(target: Target, asked: list[str], informed: Any, found: Distances) -> dict[str, Distances]:
    """Name the person whom any region of an image resembles most, where images have several."""
    several = crops_of_several(target, [f"test/{path}" for path in asked])
    values = found.values.copy()
    for path, crops in several.items():
        values[asked.index(path.removeprefix("test/"))] = informed.distances(crops).min(axis=0)
    return {"every": found._replace(values=values)} if several else {}


def _train_naive(view: View, evidence: Evidence) -> Identifier:
    # The attacks on all data sets need the identifier that learned from raw images, and it takes half of their time.
    sets, seed = training_sets(evidence, raw=True), evidence.seed
    inputs = [seed, *(array for pair in sets for array in pair)]
    arrays = remembered(f"naive_of_{view.name}", inputs, ("attacks", "core"), lambda: learn(sets, seed).arrays)
    return Identifier.restored(arrays)


def _trainer(effort: str) -> Callable[..., Any]:
    if effort == "quick":
        return train_identifier
    from stages.attacks._learning.network import train_strongest  # it imports TensorFlow, which takes seconds

    return train_strongest


def _load_recognizer(file: str) -> Recognizer:
    try:
        return Recognizer(Path(file).read_bytes())
    except ValueError as error:
        raise PipelineError(f"`attack.recognizer`: {error}") from None


def _recognize(view: View, evidence: Evidence, recognizer: Recognizer, scores: dict[str, Any]) -> None:
    """Let a face recognizer that was trained on others look at faces, and add what it found to the scores."""
    found, names = recognition(evidence, recognizer)
    scores["findings"] |= {f"{view.prefix}recognition_{key}": value for key, value in found.items()}
    identity = scores.get(f"{view.prefix}identity")
    if identity:
        people = evidence.test.known().people
        identity["attacks"]["recognizer"] = _verdicts(people, vote(names), np.arange(len(people)))


def _look(identifier: Any, images: np.ndarray) -> Distances:
    return Distances(identifier.people, identifier.distances(images))


def _verdicts(people: np.ndarray, found: Distances, bursts: np.ndarray) -> dict[str, list[int]]:
    """Return whom an attacker names, by image, near-duplicates together; and by all images of a person together."""
    return {
        "people": people.tolist(),
        "named": found.pooled(bursts).tolist(),
        "pooled": found.pooled(people).tolist(),
    }


def _print_who_is_left_out(roles: Roles | None, params: Params) -> None:
    if roles is None:
        print(
            "attack: identity not measured, as no two people are known in train and test; `data.identity_pattern` "
            f"reads them off the paths, or `{IDENTITIES}` at the top of the source names them"
        )
    elif roles.people_left_out:
        print(
            f"attack: {roles.people_left_out} people with {roles.images_left_out} test images are not asked about, "
            f"as the attacker could not learn them; `attack.identity_images` is {params.attack.identity_images}"
        )


def _summary(dataset: str, scores: dict) -> str:
    learned = Privacy.model_validate(scores)
    row, found = privacy_row(learned), exposure(learned)
    if "identity" not in scores:
        if "linkage_accuracy" not in row:
            return f"{dataset} without identities"
        linked = f"{row['linkage_accuracy']:.1%} of {row['linkage_images']:.0f} test images to their own"
        return f"in {dataset}, whoever holds the originals links {linked}"
    people = int(found["people_asked"])
    text = (
        f"in {dataset}, an informed attacker names the right person in {row['identity_accuracy']:.1%} of "
        f"{len(scores['identity']['paths'])} test images ({row['identity_chance']:.1%} by chance), and the attack that "
        f"names most people {float(found['people_named']) * people:.0f} of {people}"
    )
    if dataset == RAW and not convinces(row):
        text += "; an attacker as weak as this on raw images proves nothing by failing on other data sets"
    return text


if __name__ == "__main__":
    run_stage(attack, *sys.argv[1:])
