"""Runs the classic experiment: ``python -m tests.classic --images FOLDER [--weights PATH]``.

6,000 training and 1,500 test photos, raw and three variants, the preset `classic`. The folder holds
``{train,test}/<class>/``; as many photos as are needed are made of each of its own, cut, mirrored and toned, so that
none equals another. Writes `metrics/classic.md`: the accuracies, if there are weights, and the times of all stages,
which random weights do not change, beside a part of it the plain way.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from stages.core.images import list_images, read_image, write_image
from stages.core.machine import processor_name, worker_count
from stages.core.parallel import map_ordered
from stages.core.params import TrainParams, load_params
from stages.methods.blocking_merging import put_back_key_points
from stages.network.runtime import keras
from stages.network.speed import operations
from stages.results.statistics import crossed_estimate
from tests.benchmarks import blurring, merging
from tests.clones import ROOT, make_clone, repro_by_stage
from tests.networks import measure_peak, shares_of_peak

TABLE = Path("metrics/classic.md")
TRAIN, TEST_SHARE = 6000, 4  # one test photo to so many training photos
HEIGHT, WIDTH = 375, 500
DATASETS = load_params(ROOT / "params.yaml").datasets
VARIANTS = len(DATASETS) - 1
PLAIN_PHOTOS = 24  # on which the plain way is measured


def make_photo(image: np.ndarray, number: int) -> np.ndarray:
    """Make a photo of classic size that no other number gives: cut, mirrored and toned."""
    rng = np.random.default_rng(number)
    share = rng.uniform(0.8, 1)
    height, width = (int(side * share) for side in image.shape[:2])
    top, left = (int(rng.integers(0, side - cut + 1)) for side, cut in zip(image.shape, (height, width), strict=False))
    photo = cv2.resize(image[top : top + height, left : left + width], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    tones = (np.arange(256) / 255) ** rng.uniform(0.8, 1.25) * 255
    photo = cv2.LUT(photo, np.rint(tones).astype(np.uint8))
    return photo[:, ::-1].copy() if rng.random() < 0.5 else photo


def make_source(folder: Path, photos: Path, train: int) -> dict[str, int]:
    """Write so many training photos, and a quarter as many test photos; return how many photos they are made of."""
    counts = {}
    for split, count in (("train", train), ("test", train // TEST_SHARE)):
        by_class: dict[str, list[str]] = {}
        for path in list_images(photos / split):
            by_class.setdefault(path.split("/")[0], []).append(path)
        if not by_class:
            sys.exit(f"`--images` must hold {{train,test}}/<class>/; received: {photos}")
        jobs = [
            (split, members[number // len(by_class) % len(members)], number)
            for number, members in zip(range(count), list(by_class.values()) * count, strict=False)
        ]

        def write(job: tuple[str, str, int]) -> None:
            split, path, number = job
            photo = make_photo(read_image(photos / split / path), number + (split == "test") * train)
            write_image(folder / split / Path(path).parent / f"{Path(path).stem}_made_{number:05d}.jpg", photo)

        for _ in map_ordered(write, jobs, total=len(jobs), label=f"{split} photos"):
            pass
        counts[split] = sum(map(len, by_class.values()))
    return counts


def repro(folder: Path) -> Counter:
    """Run `dvc repro`; return the seconds that each kind of stage took, and of the rest."""
    seconds: Counter = Counter()
    for stage in repro_by_stage(folder):
        seconds[stage.name.partition("@")[0]] += stage.seconds
    return seconds


def measure_plain(photos: list[np.ndarray], size: int) -> tuple[float, float]:
    """Return the seconds a photo that the plain way takes: to anonymize it three ways, and to go through ResNet50."""
    start = time.perf_counter()
    for photo in tqdm(photos, "plain anonymizing", leave=False):
        blurring(photo, 7)[0]()
        cv2.morphologyEx(photo, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8), iterations=2)
        put_back_key_points(photo, merging(photo, "grid")[0](), 1500)
    anonymizing = (time.perf_counter() - start) / len(photos)
    network = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg")
    inputs = np.stack([cv2.resize(photo, (size, size)) for photo in photos]).repeat(4, axis=0)
    network.predict(inputs[:32], verbose=0)
    start = time.perf_counter()
    network.predict(inputs, batch_size=32, verbose=0)
    return anonymizing, (time.perf_counter() - start) / len(inputs)


def correct_by_photo(folder: Path, dataset: str, suffix: str) -> np.ndarray:
    """Return the share of correct predictions of each network for each photo of the folder, (seeds, photos)."""
    scores = json.loads((folder / "data" / "scores" / "utility" / f"{dataset}.json").read_bytes())
    correct = np.array(scores[f"predictions{suffix}"]) == np.array(scores[f"labels{suffix}"])
    photos = [path.split("_made_")[0] for path in scores["paths"]]
    return pd.DataFrame(correct.T.astype(float)).groupby(photos).mean().to_numpy().T


def accuracy_table(folder: Path) -> list[str]:
    """Write both accuracies of each data set as Markdown, with drops and their 95 % intervals over runs and photos."""
    lines = [
        "| data set | tested on raw photos | drop in points (95 %) | tested on its own | drop in points (95 %) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    raw = correct_by_photo(folder, "raw", "")
    for dataset in DATASETS:
        cells = []
        for suffix in ("", "_anonymized"):
            own = correct_by_photo(folder, dataset, suffix)
            drop = crossed_estimate(raw - own, least=-1, most=1)
            low, high = drop.limits()
            words = f"{100 * drop.mean:.1f} ({100 * low:.1f} to {100 * high:.1f})" if dataset != "raw" else ""
            cells += [f"{own.mean():.1%}", words]
        lines.append(f"| `{dataset}` | {' | '.join(cells)} |")
    return lines


def describe(params: TrainParams, train: int, photos: dict[str, int]) -> str:
    """Say what was run on what."""
    weights = "random weights" if params.weights is None else "ImageNet's weights"
    return (
        f"{train:,} training and {train // TEST_SHARE:,} test photos, {WIDTH} x {HEIGHT}, made of {photos['train']} "
        f"and {photos['test']}; raw and {VARIANTS} variants; ResNet50 at {params.image_size}, {params.backbone}, with "
        f"{weights}, in {params.precision}; head {params.head}, {params.epochs} epochs in batches of "
        f"{params.batch_size}, Adam at {params.learning_rate} at most, {len(params.seeds)} seeds; {worker_count()} "
        f"threads of {processor_name()}."
    )


def time_table(params: TrainParams, train: int, seconds: Counter, plain: tuple[float, float]) -> list[str]:
    """Say how long it took, as Markdown."""
    test = train // TEST_SHARE
    # Each network sees its training photos every epoch, then the raw test photos and, if they differ, its own.
    passes = len(params.seeds) * (len(DATASETS) * (params.epochs * train + test) + VARIANTS * test)
    theirs, ours = plain[0] * (train + test) + plain[1] * passes, seconds.total()
    extracting = seconds["extract"] / len(DATASETS) / (train + test)
    speed = operations(1, params.image_size) / extracting
    peaks = {dtype: measure_peak(dtype) for dtype in ("float32", "bfloat16")}
    return [
        "| all stages of a kind | minutes |",
        "| --- | ---: |",
        *(f"| {name} | {spent / 60:.1f} |" for name, spent in seconds.items()),
        f"| **together** | **{ours / 60:.1f}** |",
        f"| the plain way, extrapolated | {theirs / 60:.0f} |",
        "",
        f"The plain way, measured on {PLAIN_PHOTOS} photos: OpenCV's own functions in a loop take "
        f"{plain[0] * 1000:.0f} ms a photo for the three variants, and `model.predict` {plain[1] * 1000:.0f} ms "
        f"for each of {passes:,} passes. That is **{theirs / ours:.0f} times** as long as the pipeline, attacks "
        "included.",
        "",
        f"`extract` takes {extracting * 1000:.0f} ms a photo, decoding and start included: "
        f"{speed / 1e9:.0f} billion operations a second, of the peak that a matrix product reaches "
        f"{shares_of_peak(speed, peaks)}.",
    ]


def main(arguments: list[str] | None = None) -> None:
    """Run it all, in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.classic", description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=Path, required=True, metavar="FOLDER", help="photos, {train,test}/<class>/")
    parser.add_argument("--weights", type=Path, metavar="PATH", help="of ImageNet, for `train.weights`; random without")
    parser.add_argument("--train", type=int, default=TRAIN, help=f"training photos ({TRAIN})")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = make_source(folder / "photos", options.images, options.train)
        weights = str(options.weights.resolve()) if options.weights else None
        values = {"data.source": "photos", "data.identity_pattern": None, "train.weights": weights}
        make_clone(folder, values, "classic")
        seconds = repro(folder)
        params = load_params(folder / "params.yaml").train
        made = list_images(folder / "photos")[:PLAIN_PHOTOS]
        plain = measure_plain([read_image(folder / "photos" / path) for path in made], params.image_size)
        lines = ["# The classic experiment", "", describe(params, options.train, photos), ""]
        if weights:
            lines += ["## Accuracy", "", *accuracy_table(folder), ""]
        lines += ["## Time", "", *time_table(params, options.train, seconds, plain)]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{TABLE.read_text(encoding='utf-8')}\nclassic: written to {TABLE}")


if __name__ == "__main__":
    main()
