"""Attacks a data set as someone would who knows its method and holds the training images, raw and anonymized.

Scored on test images only. Writes what was learned of them to `data/scores/privacy/<dataset>.json`, and the images
of the gallery, restored as well as it can, to `data/restored/<dataset>/`; raw ones as they are.
"""

import json
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np

from stages.attacks.fidelity import psnr, ssim
from stages.attacks.identity import Identifier, train_identifier
from stages.attacks.restoration import Restorer, Unchanged, train_restorer
from stages.attacks.survival import keypoint_survival, unchanged_pixels
from stages.core.errors import run_stage
from stages.core.files import write_file
from stages.core.images import list_images, read_image, read_resized, resize_image
from stages.core.machine import environment
from stages.core.parallel import finish, map_ordered
from stages.core.params import RAW, AttackParams, Params, load_params
from stages.core.people import IDENTITIES, Roles, assign_roles, read_people
from stages.core.seeding import order_key
from stages.results.gallery import RESTORED, write_gallery
from stages.results.scores import CONVINCING_ACCURACY, privacy_file

DATA = Path("data")
# Large photos teach the inverse as much in fewer pairs, and memory stays bounded.
MOST_PIXELS = 50_000_000


def attack(dataset: str) -> None:
    """Run all attacks on one data set.

    Parameters
    ----------
    dataset : str
        ``raw`` or a variant.
    """
    params = load_params()
    train, test = (list_images(DATA / RAW / split) for split in ("train", "test"))
    roles = assign_roles(read_people(), params.attack.seed)
    restorer = _train_restorer(dataset, train, params)
    write_gallery(dataset, params.data.seed, gallery=RESTORED, change=restorer.restore)
    restored, scores = _attack_pixels(dataset, restorer, test, roles.asked if roles else (), params)
    if roles is None:
        print(
            "attack: identity not measured, as no two people are known in train and test; `data.identity_pattern` "
            f"reads them off the paths, or `{IDENTITIES}` at the top of the source names them"
        )
    else:
        scores["identity"] = _identify(dataset, roles, restored, params.attack)
    scores["made_with"] = {"attack": environment()}
    write_file(privacy_file(dataset), (json.dumps(scores) + "\n").encode())
    finish(f"attack: {_summary(dataset, scores)}; scores in {privacy_file(dataset)}")


def _attack_pixels(
    dataset: str, restorer: Restorer, test: list[str], asked: Collection[str], params: Params
) -> tuple[dict[str, np.ndarray], dict]:
    count, seed = params.attack.reconstruction_images, params.attack.seed
    judged = sorted(test, key=lambda path: (path not in asked, order_key(seed, path)))[:count]
    size = (params.attack.image_size,) * 2

    def judge(path: str) -> tuple[np.ndarray, dict[str, float | None]]:
        original, anonymized = (read_image(DATA / name / "test" / path) for name in (RAW, dataset))
        restored = restorer.restore(anonymized)
        return resize_image(restored, size), {
            "psnr": psnr(anonymized, original),
            "psnr_restored": psnr(restored, original),
            "ssim_restored": ssim(restored, original),
            "keypoint_survival": keypoint_survival(original, anonymized),
            "unchanged_pixels": unchanged_pixels(original, anonymized),
        }

    images, rows = zip(*map_ordered(judge, judged, total=len(judged), label=dataset), strict=True)
    scores = {key: [row[key] for row in rows] for key in rows[0]}
    scores["restorer"] = restorer.name
    return dict(zip(judged, images, strict=True)), scores


def _train_restorer(dataset: str, train: list[str], params: Params) -> Restorer:
    if dataset == RAW:
        return Unchanged()
    chosen = sorted(train, key=lambda path: order_key(params.attack.seed, path))[: params.attack.reconstruction_images]
    variant = params.variant(dataset)
    raw, anonymized, pixels = [], [], 0
    for path in chosen:
        raw.append(read_image(DATA / RAW / "train" / path))
        anonymized.append(read_image(DATA / dataset / "train" / path))
        pixels += raw[-1].shape[0] * raw[-1].shape[1]
        if pixels > MOST_PIXELS:
            break
    return train_restorer(anonymized, raw, method=variant.method.__name__, arguments=variant.arguments)


def _identify(dataset: str, roles: Roles, restored: dict[str, np.ndarray], params: AttackParams) -> dict:
    chosen = sorted(roles.learned, key=lambda path: order_key(params.seed, path))[: params.identity_images]
    learned = {path: roles.learned[path] for path in sorted(chosen)}

    def look(name: str, split: str, people: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
        images = read_resized(DATA / name / split, list(people), params.image_size, f"{name} {split}")
        return np.stack(list(images)), np.array(list(people.values()))

    def prepare(name: str) -> Identifier:
        identifier = train_identifier(*look(name, "train", learned), seed=params.seed)
        return identifier.enroll(*look(name, "test", roles.enrolled)) if roles.enrolled else identifier

    def named(identifier: Identifier, images: np.ndarray, who: np.ndarray) -> list[bool]:
        return (identifier.predict(images) == who).tolist()

    naive = prepare(RAW)
    informed = naive if dataset == RAW else prepare(dataset)
    asked = look(dataset, "test", roles.asked)
    again = {path: person for path, person in roles.asked.items() if path in restored}
    known = Counter((roles.enrolled or learned).values())
    return {
        "attacker": informed.name,
        "informed": named(informed, *asked),
        "naive": named(naive, *asked),
        "restored": named(naive, np.stack([restored[path] for path in again]), np.array(list(again.values()))),
        "chance": max(float(np.mean(asked[1] == known.most_common(1)[0][0])), 1 / len(known)),
    }


def _summary(dataset: str, scores: dict) -> str:
    if "identity" not in scores:
        return f"{dataset} without identities"
    accuracy = np.mean(scores["identity"]["informed"])
    text = f"{accuracy:.1%} of the people in {dataset} are named ({scores['identity']['chance']:.1%} by chance)"
    if dataset == RAW and accuracy < CONVINCING_ACCURACY:
        text += f"; below {CONVINCING_ACCURACY:.0%} on raw images this attacker proves nothing about the others"
    return text


if __name__ == "__main__":
    run_stage(attack, *sys.argv[1:])
