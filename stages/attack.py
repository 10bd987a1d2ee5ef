"""Attacks a data set as someone would who knows its method and holds the training images, raw and anonymized.

Scored on test images only. Writes what the attacks found to `data/scores/privacy/<dataset>.json`, and the gallery's
images, restored as well as possible, to `data/restored/<dataset>/`; raw images need no restoration.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from stages.attacks.fidelity import psnr, ssim
from stages.attacks.identity import Identifier, train_identifier
from stages.attacks.noise import subtract_noise
from stages.attacks.operating_points import measure_operating_points
from stages.attacks.restoration import Restorer, Unchanged, train_restorer
from stages.attacks.roles import Roles, assign_roles
from stages.attacks.survival import keypoint_survival, unchanged_pixels
from stages.core.errors import run_stage
from stages.core.files import write_file
from stages.core.images import list_images, read_image, resize_image
from stages.core.machine import environment
from stages.core.memo import remembered
from stages.core.parallel import finish, map_ordered
from stages.core.params import RAW, Params, load_params
from stages.core.people import IDENTITIES, read_people
from stages.core.secret import SECRET, image_generator, load_secret
from stages.core.seeding import generator, order_key
from stages.results.gallery import RESTORED, write_gallery
from stages.results.scores import CONVINCING_SHARE, convinces, exposure, privacy_file, privacy_row

DATA = Path("data")
Change = Callable[[np.ndarray, str], np.ndarray]  # of an image and its path relative to the data set
Draw = Callable[[str], np.random.Generator]  # of a path relative to the data set: what its noise was drawn from
View = Callable[[str, dict[str, int]], tuple[np.ndarray, np.ndarray]]  # of a split and its people: images, and who
Lessons = list[tuple[np.ndarray, np.ndarray]]  # to train on, and maybe to enroll: images, and who
# Of large photos, fewer pairs are enough to learn the inverse, and memory stays bounded.
MOST_PIXELS = 50_000_000
MOST_JPEG_ERROR = 2.5  # grey levels, the mean of an image


def attack(dataset: str) -> None:
    """Run all attacks on one data set.

    Parameters
    ----------
    dataset : str
        ``raw`` or a variant.
    """
    params = load_params().require_classes("attack")
    train, test = (list_images(DATA / RAW / split) for split in ("train", "test"))
    people = read_people()
    roles = assign_roles(people.train, people.test, most_images=params.attack.identity_images, seed=params.attack.seed)
    restorer = _train_restorer(dataset, train, params)
    write_gallery(dataset, params.data.seed, gallery=RESTORED, change=restorer.restore)
    restored, scores = _attack_pixels(dataset, restorer, test, roles.asked if roles else (), params)
    if roles is None:
        print(
            "attack: identity not measured, as no two people are known in train and test; `data.identity_pattern` "
            f"reads them off the paths, or `{IDENTITIES}` at the top of the source names them"
        )
    else:
        if roles.people_left_out:
            print(
                f"attack: {roles.people_left_out} people with {roles.images_left_out} test images are not asked about, "
                f"as the attacker could not learn them; `attack.identity_images` is {params.attack.identity_images}"
            )
        scores["identity"] = _identify(dataset, roles, restored, params)
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
    scores: dict[str, Any] = {key: [row[key] for row in rows] for key in rows[0]}
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
    return train_restorer(
        anonymized, raw, period=variant.declared("grid_period") or 1, kernel=variant.declared("blur_kernel")
    )


def _identify(dataset: str, roles: Roles, restored: dict[str, np.ndarray], params: Params) -> dict:
    see, see_raw = _view(dataset, params), _view(RAW, params)
    naive = _learn_once(_lessons(see_raw, roles), params.attack.seed)
    informed = naive if dataset == RAW else _learn(_lessons(see, roles), params.attack.seed)
    images, who = see("test", roles.asked)
    again = {path: person for path, person in roles.asked.items() if path in restored}
    attacks = {
        "informed": _verdicts(informed, images, who),
        "naive": _verdicts(naive, images, who),
        "restored": _verdicts(naive, np.stack([restored[path] for path in again]), np.array(list(again.values()))),
    }
    if dataset != RAW and params.variant(dataset).needs_secret:
        for name, draw in _noise_draws(dataset, next(iter(roles.asked)), params).items():
            see = _view(dataset, params, _noise_remover(dataset, draw, params))
            attacks[name] = _verdicts(_learn(_lessons(see, roles), params.attack.seed), *see("test", roles.asked))
    images_of = Counter((roles.enrolled or roles.learned).values())
    return {
        "attacker": informed.name,
        "paths": list(roles.asked),
        "attacks": attacks,
        "operating_points": measure_operating_points(informed, images, who),
        "chance": max(float(np.mean(who == images_of.most_common(1)[0][0])), 1 / len(images_of)),
        "left_out": {"people": roles.people_left_out, "images": roles.images_left_out},
    }


def _view(dataset: str, params: Params, change: Change = lambda image, path: image) -> View:
    size = (params.attack.image_size,) * 2

    def see(split: str, people: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
        def look(path: str) -> np.ndarray:
            return resize_image(change(read_image(DATA / dataset / split / path), f"{split}/{path}"), size)

        images = map_ordered(look, people, total=len(people), label=f"{dataset} {split}")
        return np.stack(list(images)), np.array(list(people.values()))

    return see


def _noise_draws(dataset: str, test_image: str, params: Params) -> dict[str, Draw]:
    variant = params.variant(dataset)
    secret, name = load_secret(), variant.method.__name__

    def draw_known(path: str) -> np.random.Generator:
        return image_generator(secret, name, variant.arguments, read_image(DATA / RAW / path))

    # Who does not know the noise draws it from what is published: a seed and the path.
    draws: dict[str, Draw] = {"noise_guessed": lambda path: generator(0, path)}
    # In a clone that pulled the images, the secret that they were made with is not there.
    path = f"test/{test_image}"
    original, anonymized = (read_image(DATA / folder / path) for folder in (RAW, dataset))
    again = variant.method(original, **variant.arguments, secret_rng=draw_known(path))
    if np.abs(again.astype(int) - anonymized).mean() <= MOST_JPEG_ERROR:
        return draws | {"noise_known": draw_known}
    print(f"attack: not measured what a leak of the noise would cost, as {dataset} was not made with this `{SECRET}`")
    return draws


def _noise_remover(dataset: str, draw: Draw, params: Params) -> Change:
    variant = params.variant(dataset)
    return lambda image, path: subtract_noise(image, variant.method, variant.arguments, draw(path))


def _lessons(see: View, roles: Roles) -> Lessons:
    return [see(split, people) for split, people in (("train", roles.learned), ("test", roles.enrolled)) if people]


def _learn(lessons: Lessons, seed: int) -> Identifier:
    identifier = train_identifier(*lessons[0], seed=seed)
    return identifier.enroll(*lessons[1]) if lessons[1:] else identifier


def _learn_once(lessons: Lessons, seed: int) -> Identifier:
    # The attacks on all data sets need the identifier that learned from raw images, and it takes half of their time.
    inputs = [seed, *(array for lesson in lessons for array in lesson)]
    return Identifier.restored(
        remembered("naive_identifier", inputs, ("attacks", "core"), lambda: _learn(lessons, seed).arrays)
    )


def _verdicts(identifier: Identifier, images: np.ndarray, who: np.ndarray) -> dict[str, list[int]]:
    return {"people": who.tolist(), "named": identifier.predict(images).tolist()}


def _summary(dataset: str, scores: dict) -> str:
    if "identity" not in scores:
        return f"{dataset} without identities"
    row = privacy_row(scores)
    images, people = len(scores["identity"]["attacks"]["informed"]["people"]), int(exposure(scores)["people_asked"])
    text = (
        f"in {dataset}, an informed attacker names the right person in {row['identity_accuracy']:.1%} of {images} test "
        f"images ({row['identity_chance']:.1%} by chance), and the attack that names most people "
        f"{row['people_named'] * people:.0f} of {people}"
    )
    if dataset == RAW and not convinces(row):
        text += (
            f"; an attacker that names less than {CONVINCING_SHARE:.0%} of those that guessing would miss proves "
            "nothing by failing on other data sets"
        )
    return text


if __name__ == "__main__":
    run_stage(attack, *sys.argv[1:])
