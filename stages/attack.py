"""Attacks a data set as someone would who knows its method and holds the training images, raw and anonymized.

Scored on test images only, whole and cut to their main region. Writes what the attacks found to
`data/scores/privacy/<dataset>.json`, and the gallery's images, restored as well as possible, to
`data/restored/<dataset>/`; raw images need no restoration.
"""

import json
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from stages.attacks._learning.restorer import Restorer
from stages.attacks.attackers import ATTACKS
from stages.attacks.evidence import UNKNOWN, Evidence
from stages.attacks.identity import Identifier
from stages.attacks.naming import chance_of, learn, lessons_of
from stages.attacks.operating_points import measure_operating_points
from stages.attacks.pixels import measure_pixels
from stages.attacks.recognition import SIDE, Recognizer, recognition
from stages.attacks.restoration import Unchanged, train_restorer
from stages.attacks.roles import Roles
from stages.core.boxes import REGION, Box, read_boxes, with_labels
from stages.core.datasets import Dataset
from stages.core.errors import PipelineError, run_stage
from stages.core.files import write_file
from stages.core.images import SPLITS
from stages.core.machine import environment
from stages.core.memo import remembered
from stages.core.parallel import finish, map_ordered
from stages.core.params import RAW, Acting, AttackParams, Params, load_params
from stages.core.paths import DATA, DETECTIONS_FILE, RAW_FOLDER, REGIONS_FILE, RESTORED
from stages.core.people import IDENTITIES, read_people
from stages.core.seeding import order_key
from stages.evidence.gather import gather, roles_in_view
from stages.evidence.noise import noise_removers
from stages.evidence.target import Change, Target, View, face_view, make_views, parts_acted_on, restore_parts
from stages.methods.shared.method import find_method
from stages.regions.coverage import count_missed
from stages.regions.crops import around, main_region
from stages.regions.detectors import load_detector
from stages.regions.matching import find_matches
from stages.results.gallery import write_gallery
from stages.results.privacy import CONVINCING_SHARE, convinces, exposure, privacy_row
from stages.results.scores import Privacy, privacy_file

# Of large photos, fewer pairs are enough to learn the inverse, and memory stays bounded.
MOST_PIXELS = 50_000_000


def attack(dataset: str) -> None:
    """Run all attacks on one data set."""
    params = load_params().require_classes("attack")
    acting = Acting() if dataset == RAW else params.variant(dataset).acting
    boxes = with_labels(read_boxes(DETECTIONS_FILE), acting.labels)
    target = Target(dataset, acting, boxes, params, Dataset(RAW_FOLDER), Dataset(DATA / dataset))
    splits = {split: target.raw.paths(split) for split in SPLITS}
    restorer = _train_restorer(target, splits["train"])

    def restore(image: np.ndarray, path: str) -> np.ndarray:
        return restore_parts(target, image, path, restorer)

    write_gallery(dataset, params.data.seed, gallery=RESTORED, change=restore)
    views = make_views(target, params.attack.image_size)
    people = read_people()
    roles = [roles_in_view(view, people, params) for view in views]
    _tell_who_is_known(roles[0], params)
    scores, restored = _attack_pixels(target, restore, splits["test"], roles[0].asked if roles[0] else (), views)
    scores |= {"restorer": restorer.name, "left_open": _count_left_open(target, splits), "findings": {}}
    scores["effort"] = params.attack.effort
    for view, who, again in zip(views, roles, restored, strict=True):
        findings, identity = _attack_view(target, view, splits, who, again, restore)
        scores["findings"] |= findings
        if identity:
            scores[f"{view.prefix}identity"] = identity
    if len(views) > 1 and params.attack.recognizer:
        _recognize(target, splits, roles[1], params.attack.recognizer, scores)
    scores["made_with"] = {"attack": environment()}
    write_file(privacy_file(dataset), (json.dumps(scores) + "\n").encode())
    finish(f"attack: {_summary(dataset, scores)}; scores in {privacy_file(dataset)}")


def _train_restorer(target: Target, train: list[str]) -> Restorer:
    if target.name == RAW:
        return Unchanged()
    params = target.params
    chosen = sorted(train, key=lambda path: order_key(params.attack.seed, path))[: params.attack.reconstruction_images]
    variant = params.variant(target.name)
    method = find_method(variant.method)
    pairs: tuple[list[np.ndarray], list[np.ndarray]] = [], []
    for path in chosen:
        for images, parts in zip((target.images, target.raw), pairs, strict=True):
            parts += parts_acted_on(target, images.image(f"train/{path}"), f"train/{path}")
        if sum(part.shape[0] * part.shape[1] for part in pairs[0]) > MOST_PIXELS:
            break
    if not pairs[0]:
        return Unchanged()
    return train_restorer(
        *pairs,
        period=method.grid_period(**variant.arguments),
        kernel=method.blur_kernel(**variant.arguments),
        exact=params.attack.effort == "thorough",
    )


def _attack_pixels(
    target: Target, restore: Change, test: list[str], asked: Collection[str], views: list[View]
) -> tuple[dict[str, Any], list[dict[str, np.ndarray]]]:
    """Measure some test images, those that are asked about first, and show each view what was restored of them."""
    count, seed = target.params.attack.reconstruction_images, target.params.attack.seed
    judged = sorted(test, key=lambda path: (path not in asked, order_key(seed, path)))[:count]
    find_again = _region_finder(target)

    def judge(name: str) -> tuple[list[np.ndarray | None], dict[str, float | None]]:
        path = f"test/{name}"
        original, anonymized = target.raw.image(path), target.images.image(path)
        restored = restore(anonymized, path)
        row = measure_pixels(original, anonymized, restored)
        boxes = target.boxes.get(path)
        if boxes:
            part = around(main_region(boxes), original.shape[:2])
            of_region = measure_pixels(original[part], anonymized[part], restored[part])
            row |= {f"{REGION}{key}": value for key, value in of_region.items()}
            row["regions_asked"], row["regions_found"] = len(boxes), find_again(anonymized, boxes)
        return [view.look(restored, path) if view.shows(path) else None for view in views], row

    looks, rows = zip(*map_ordered(judge, judged, total=len(judged), label=target.name), strict=True)
    by_view = [
        {path: image for path, image in zip(judged, images, strict=True) if image is not None}
        for images in zip(*looks, strict=True)
    ]
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: [row.get(key) for row in rows] for key in keys}, by_view


def _region_finder(target: Target) -> Callable[[np.ndarray, list[Box]], int | None]:
    """Return what counts the regions of an image that a detector still finds; None where none is used."""
    params = target.params.regions
    if params.boxes == "given":
        return lambda image, boxes: None
    detect = load_detector(params)
    return lambda image, boxes: sum(find_matches(boxes, detect(image)))


def _count_left_open(target: Target, splits: dict[str, list[str]]) -> dict[str, int]:
    """Count what a variant that acts on regions leaves as it is: images, and regions that the detector missed."""
    if target.acting.where != "regions":
        return {}
    images = sum(f"{split}/{path}" not in target.boxes for split, paths in splits.items() for path in paths)
    given = read_boxes(REGIONS_FILE)
    # Of other labels, such as heads where a detector finds faces, all must be covered.
    given = with_labels(given, target.acting.labels) or given
    # Given boxes that are used cannot be missed.
    if target.params.regions.boxes != "detected" or not given:
        return {"images_left_open": images}
    missed = count_missed(given, target.boxes, target.acting)
    return {"images_left_open": images, "regions_given": sum(map(len, given.values())), "regions_missed": missed}


def _attack_view(
    target: Target,
    view: View,
    splits: dict[str, list[str]],
    roles: Roles | None,
    restored: dict[str, np.ndarray],
    restore: Change,
) -> tuple[dict[str, float], dict[str, Any] | None]:
    """Run all attacks on what a view shows; return the numbers that they found, and whom they name, if any is known."""
    params = target.params
    evidence = gather(target, view, splits, roles)
    known = evidence.test.known()
    findings: dict[str, float] = {}
    names: dict[str, np.ndarray] = {}
    for name, run in ATTACKS.items():
        found = run(evidence)
        if isinstance(found, dict):
            findings |= {f"{view.prefix}{name}_{key}": value for key, value in found.items()}
        elif roles:
            names[name] = found[evidence.test.people != UNKNOWN]
    if roles is None:
        return findings, None
    naive = informed = _learn_once(view, evidence)
    if target.name != RAW or params.attack.effort == "thorough":
        informed = learn(lessons_of(evidence, raw=False), evidence.seed, _strongest_trainer(params.attack))
    names |= {"informed": informed.predict(known.anonymized), "naive": naive.predict(known.anonymized)}
    names |= _name_without_noise(target, view, splits, roles)
    attacks = {name: _verdicts(known.people, people) for name, people in names.items()}
    again = {path: person for path, person in roles.asked.items() if path in restored}
    if again:
        images = np.stack([restored[path] for path in again])
        attacks["restored"] = _verdicts(np.array(list(again.values())), naive.predict(images))
        if target.name != RAW and params.attack.effort == "thorough":
            restored_too = gather(target, view, splits, roles, restore)
            identifier = learn(lessons_of(restored_too, raw=False), evidence.seed)
            attacks["restored_informed"] = _verdicts(np.array(list(again.values())), identifier.predict(images))
    return findings, {
        "attacker": informed.name,
        "paths": list(roles.asked),
        "attacks": attacks,
        "operating_points": measure_operating_points(informed, known.anonymized, known.people),
        "chance": chance_of(evidence),
        "left_out": {"people": roles.people_left_out, "images": roles.images_left_out},
    }


def _strongest_trainer(params: AttackParams) -> Callable[..., Any] | None:
    if params.effort == "quick":
        return None
    # It imports TensorFlow, which takes seconds.
    from stages.attacks._learning.network import train_strongest

    return train_strongest


def _recognize(
    target: Target, splits: dict[str, list[str]], roles: Roles | None, file: str, scores: dict[str, Any]
) -> None:
    """Let a face recognizer that was trained on others look at the regions, and add what it found to the scores."""
    try:
        recognizer = Recognizer(Path(file).read_bytes())
    except ValueError as error:
        raise PipelineError(f"`attack.recognizer`: {error}") from None
    view = face_view(target, SIDE)
    evidence = gather(target, view, splits, roles)
    found, names = recognition(evidence, recognizer)
    scores["findings"] |= {f"{view.prefix}recognition_{key}": value for key, value in found.items()}
    identity = scores.get(f"{view.prefix}identity")
    if identity:
        identity["attacks"]["recognizer"] = _verdicts(evidence.test.known().people, names)


def _name_without_noise(
    target: Target, view: View, splits: dict[str, list[str]], roles: Roles
) -> dict[str, np.ndarray]:
    """Name people by who takes off the noise first, guessed or known, and learns from the rest."""
    names = {}
    for name, remove in noise_removers(target, next(iter(roles.asked))).items():
        evidence = gather(target, view, splits, roles, remove)
        identifier = learn(lessons_of(evidence, raw=False), evidence.seed)
        names[name] = identifier.predict(evidence.test.known().anonymized)
    return names


def _learn_once(view: View, evidence: Evidence) -> Identifier:
    # The attacks on all data sets need the identifier that learned from raw images, and it takes half of their time.
    lessons = lessons_of(evidence, raw=True)
    inputs = [evidence.seed, *(array for lesson in lessons for array in lesson)]
    return Identifier.restored(
        remembered(f"naive_of_{view.name}", inputs, ("attacks", "core"), lambda: learn(lessons, evidence.seed).arrays)
    )


def _verdicts(who: np.ndarray, names: np.ndarray) -> dict[str, list[int]]:
    return {"people": who.tolist(), "named": names.tolist()}


def _tell_who_is_known(roles: Roles | None, params: Params) -> None:
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
    findings = scores["findings"]
    if "identity" not in scores:
        if "linkage_accuracy" not in findings:
            return f"{dataset} without identities"
        return (
            f"in {dataset}, whoever holds the originals links {findings['linkage_accuracy']:.1%} of "
            f"{findings['linkage_images']} test images to their own"
        )
    learned = Privacy.model_validate(scores)
    row, found = privacy_row(learned), exposure(learned)
    images = len(scores["identity"]["attacks"]["informed"]["people"])
    named, people = float(found["people_named"]), int(found["people_asked"])
    text = (
        f"in {dataset}, an informed attacker names the right person in {row['identity_accuracy']:.1%} of {images} test "
        f"images ({row['identity_chance']:.1%} by chance), and the attack that names most people "
        f"{named * people:.0f} of {people}"
    )
    if dataset == RAW and not convinces(row):
        text += (
            f"; an attacker that names less than {CONVINCING_SHARE:.0%} of those that guessing would miss proves "
            "nothing by failing on other data sets"
        )
    return text


if __name__ == "__main__":
    run_stage(attack, *sys.argv[1:])
