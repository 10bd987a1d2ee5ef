"""Attacks a data set with knowledge of its method and with the training images, raw and anonymized.

Scored on test images only, whole and cut to their main region. Writes what the attacks found to
`data/scores/privacy/<dataset>.json`, and the gallery's images, restored as well as possible, to
`data/restored/<dataset>/`; raw images need no restoration.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from stages.attacks.attackers import run_attacks
from stages.attacks.pooling import near_duplicates, vote
from stages.attacks.recognition import Recognizer, recognition
from stages.attacks.roles import Roles
from stages.core.errors import PipelineError, run_stage
from stages.core.files import write_file
from stages.core.images import SPLITS
from stages.core.machine import environment
from stages.core.parallel import print_summary
from stages.core.params import RAW, Params, RecognizerParams, load_params
from stages.core.paths import RESTORED
from stages.core.people import IDENTITIES, read_people
from stages.evidence.guarantee import check_guarantee
from stages.evidence.holdings import Holdings
from stages.evidence.identification import identify, identify_beside
from stages.evidence.leftovers import count_left_open, measure_images
from stages.evidence.native import attack_natively
from stages.evidence.target import Change, load_target, train_target_restorer
from stages.evidence.views import face_view, make_views
from stages.results.gallery import write_gallery
from stages.results.privacy import convinces, exposure, privacy_row
from stages.results.scores import Privacy, privacy_file


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
    measured, restored = measure_images(target, restore, splits["test"], roles.asked if roles else (), views)
    scores: dict[str, Any] = {"measured": measured, "restorer": restorer.name}
    scores |= {"left_open": count_left_open(target, splits), "findings": {}, "effort": params.attack.effort}
    bursts: dict[str, int] = {}
    for view, images in zip(views, restored, strict=True):
        held = Holdings(target, view, splits, bursts)
        _attack_view(held, images, restore, scores)
    if "region_identity" in scores:
        scores["region_identity"]["attacks"] |= identify_beside(held, people)
    if recognizer:
        _recognize(held, recognizer, scores)
    if target.groups is not None:
        scores["guarantee"] = check_guarantee(target, scores)
    scores["made_with"] = {"attack": environment()}
    write_file(privacy_file(dataset), (json.dumps(scores) + "\n").encode())
    print_summary(f"attack: {_summary(dataset, scores)}; scores in {privacy_file(dataset)}")


def _attack_view(held: Holdings, restored: dict[str, np.ndarray], restore: Change, scores: dict[str, Any]) -> None:
    """Run all attacks on what a view shows, and add what they found to the scores.

    The first view, of whole images, finds the near-duplicates for all views.
    """
    evidence, view = held.evidence(), held.view
    numbers, names = run_attacks(evidence)
    if view.roles and not held.bursts:
        test = evidence.test.known()
        held.bursts.update(zip(held.asked, near_duplicates(test.raw, test.people).tolist(), strict=True))
    native, named = attack_natively(held)
    scores["findings"] |= {f"{view.prefix}{key}": value for key, value in (numbers | native).items()}
    if view.roles:
        named |= {name: vote(found) for name, found in names.items()}
        scores[f"{view.prefix}identity"] = identify(held, evidence, named, restored, restore)


def _load_recognizer(settings: RecognizerParams) -> Recognizer:
    arguments = settings.model_dump(exclude={"model"})
    try:
        return Recognizer(Path(settings.model).read_bytes(), **arguments)
    except ValueError as error:
        raise PipelineError(f"`attack.recognizer`: {error}") from None


def _recognize(held: Holdings, recognizer: Recognizer, scores: dict[str, Any]) -> None:
    """Run a face recognizer that was trained on other people, and add its results to the scores."""
    view = face_view(held.target, held.view, recognizer)
    numbers, names = recognition(held._replace(view=view).evidence())
    scores["findings"] |= {f"{view.prefix}recognition_{key}": value for key, value in numbers.items()}
    if view.roles:
        attacks = {name: held.verdicts(held.asked, found) for name, found in names.items()}
        scores[f"{view.prefix}identity"]["attacks"] |= attacks


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
