"""Attacks a data set as someone would who knows its method and holds the training images, raw and anonymized.

Scored on test images only. Writes what was learned of them to `data/scores/privacy/<dataset>.json`.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.attacks.fidelity import psnr, ssim
from stages.attacks.identity import Identifier, train_identifier
from stages.attacks.restoration import Restorer, train_restorer
from stages.attacks.survival import keypoint_survival, unchanged_pixels
from stages.core.draws import order_key
from stages.core.errors import run_stage
from stages.core.executor import map_ordered
from stages.core.images import list_images, read_image, read_resized, resize_image, write_file
from stages.core.params import RAW, AttackParams, Params, load_params
from stages.core.scores import privacy_file

DATA = Path("data")
# Weaker on raw images than this, an attacker proves nothing about anonymized ones.
CONVINCING_ACCURACY = 0.8
# Large photos teach the inverse as much in fewer pairs, and memory stays bounded.
MOST_PIXELS = 50_000_000


class People(NamedTuple):
    """The images whose person is known, and who may be named: those seen in training."""

    train: dict[str, str]  # path below train/ to person
    test: dict[str, str]  # path below test/ to person


def find_people(pattern: str | None, train: list[str], test: list[str]) -> People | None:
    """Read the people off the paths of images.

    Parameters
    ----------
    pattern : str or None
        `data.identity_pattern`, searched for in ``<split>/<class>/...``.
    train, test : list of str
        Paths relative to their split.

    Returns
    -------
    People or None
        Test images of people without training images are left out. None if fewer than two people are left.
    """
    if pattern is None:
        return None
    known = {
        split: {path: match[1] for path in paths if (match := re.search(pattern, f"{split}/{path}"))}
        for split, paths in (("train", train), ("test", test))
    }
    names = set(known["train"].values())
    people = People(known["train"], {path: name for path, name in known["test"].items() if name in names})
    return people if len(names) > 1 and people.test else None


def attack(dataset: str) -> None:
    """Run all attacks on one data set.

    Parameters
    ----------
    dataset : str
        ``raw`` or a variant.
    """
    params = load_params()
    train, test = (list_images(DATA / RAW / split) for split in ("train", "test"))
    people = find_people(params.data.identity_pattern, train, test)
    restored, scores = _attack_pixels(dataset, train, test, params)
    if people is None:
        print(
            "attack: identity not measured, as `data.identity_pattern`, a regular expression on the path whose one "
            "group is the person, finds no two people in train who are in test too"
        )
    else:
        scores["identity"] = _identify(dataset, people, restored, params.attack)
    write_file(privacy_file(dataset), (json.dumps(scores) + "\n").encode())
    print(f"attack: {_summary(dataset, scores)}; scores in {privacy_file(dataset)}")


def _attack_pixels(
    dataset: str, train: list[str], test: list[str], params: Params
) -> tuple[dict[str, np.ndarray], dict]:
    count, seed = params.attack.reconstruction_images, params.attack.seed
    pairs = sorted(train, key=lambda path: order_key(seed, path))[:count]
    restorer = _train_restorer(dataset, pairs, params)
    judged = set(sorted(test, key=lambda path: order_key(seed, path))[:count])
    size = (params.attack.image_size,) * 2

    def judge(path: str) -> tuple[np.ndarray, dict[str, float | None] | None]:
        original, anonymized = (read_image(DATA / name / "test" / path) for name in (RAW, dataset))
        restored = restorer.restore(anonymized) if restorer else anonymized
        measured = path in judged and {
            "psnr": psnr(anonymized, original),
            "psnr_restored": psnr(restored, original),
            "ssim_restored": ssim(restored, original),
            "keypoint_survival": keypoint_survival(original, anonymized),
            "unchanged_pixels": unchanged_pixels(original, anonymized),
        }
        return resize_image(restored, size), measured or None

    restored, rows = {}, []
    for path, (image, row) in zip(test, map_ordered(judge, test, total=len(test), label=dataset), strict=True):
        restored[path] = image
        if row:
            rows.append(row)
    names = {"restorer": restorer.name if restorer else None}
    return restored, names | {key: [row[key] for row in rows] for key in rows[0]}


def _train_restorer(dataset: str, pairs: list[str], params: Params) -> Restorer | None:
    if dataset == RAW:
        return None
    variant = params.variant(dataset)
    raw, anonymized, pixels = [], [], 0
    for path in pairs:
        raw.append(read_image(DATA / RAW / "train" / path))
        anonymized.append(read_image(DATA / dataset / "train" / path))
        pixels += raw[-1].shape[0] * raw[-1].shape[1]
        if pixels > MOST_PIXELS:
            break
    return train_restorer(anonymized, raw, method=variant.method.__name__, arguments=variant.arguments)


def _identify(dataset: str, people: People, restored: dict[str, np.ndarray], params: AttackParams) -> dict:
    numbers = {name: number for number, name in enumerate(sorted(set(people.train.values())))}
    learned = sorted(sorted(people.train, key=lambda path: order_key(params.seed, path))[: params.identity_images])
    who = np.array([numbers[people.train[path]] for path in learned])
    asked = np.array([numbers[name] for name in people.test.values()])

    def look(name: str, split: str, paths: list[str]) -> np.ndarray:
        images = read_resized(DATA / name / split, paths, params.image_size, f"{name} {split}")
        return np.stack(list(images))

    def named(identifier: Identifier, images: np.ndarray) -> list[bool]:
        return (identifier.predict(images) == asked).tolist()

    naive = train_identifier(look(RAW, "train", learned), who, seed=params.seed)
    informed = naive if dataset == RAW else train_identifier(look(dataset, "train", learned), who, seed=params.seed)
    images = look(dataset, "test", list(people.test))
    commonest = Counter(who.tolist()).most_common(1)[0][0]
    return {
        "attacker": informed.name,
        "informed": named(informed, images),
        "naive": named(naive, images),
        "restored": named(naive, np.stack([restored[path] for path in people.test])),
        "chance": max(float(np.mean(asked == commonest)), 1 / len(numbers)),
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
