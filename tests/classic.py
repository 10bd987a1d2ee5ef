"""Runs the classic experiment end to end, and a part of it the plain way: ``python -m tests.classic --images FOLDER``.

15 classes of 400 training and 100 test photos, raw and three variants, frozen ResNet50 at 224, 50 epochs. Photos are
made from the folder's: cut, mirrored and toned, so that none equals another; the weights are random, which takes as
long as trained ones. Writes `metrics/classic.md`.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from stages.core.images import write_image
from stages.core.machine import processor_name, worker_count
from stages.core.parallel import map_ordered
from stages.core.params import load_params
from stages.methods.blocking_merging import put_back_key_points
from stages.network.runtime import keras
from tests.benchmarks import blurring, merging, read_images
from tests.clones import ROOT, copy_pipeline, repro_by_stage, run, set_param
from tests.networks import measure_peak, operations, shares_of_peak

TABLE = Path("metrics/classic.md")
CLASSES, TRAIN = 15, 400
TEST_SHARE = 4  # one test photo a class to so many training photos
HEIGHT, WIDTH, IMAGE_SIZE, EPOCHS = 375, 500, 224, 50
HEAD = [1024, 0.5, 1024, 512]
OTHER_HEAD = [512, 0.5, 256]
SETTINGS = {
    "data.image_format": "jpg",
    "data.identity_pattern": None,
    "train.image_size": IMAGE_SIZE,
    "train.backbone": "frozen",
    "train.head": HEAD,
    "train.epochs": EPOCHS,
    "train.batch_size": 128,
    "train.learning_rate": 1e-4,
    "train.precision": "auto",
}
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


def make_source(folder: Path, images: list[np.ndarray], train: int) -> None:
    """Write 15 classes of so many training photos, and a quarter as many test photos."""
    paths = [
        f"{split}/class_{label:02d}/{number:03d}.jpg"
        for split, count in (("train", train), ("test", train // TEST_SHARE))
        for label in range(CLASSES)
        for number in range(count)
    ]

    def write(number: int) -> None:
        write_image(folder / paths[number], make_photo(images[number % len(images)], number))

    for _ in map_ordered(write, range(len(paths)), total=len(paths), label="photos"):
        pass


def repro(folder: Path) -> Counter:
    """Run `dvc repro`; return the seconds that each kind of stage took, and of the rest."""
    seconds: Counter = Counter()
    for stage in repro_by_stage(folder):
        seconds[stage.name.partition("@")[0]] += stage.seconds
    return seconds


def measure_plain(photos: list[np.ndarray]) -> tuple[float, float]:
    """Return the seconds a photo that the plain way takes: to anonymize it three ways, and to go through ResNet50."""
    start = time.perf_counter()
    for photo in tqdm(photos, "plain anonymizing", leave=False):
        blurring(photo, 7)[0]()
        cv2.morphologyEx(photo, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8), iterations=2)
        put_back_key_points(photo, merging(photo, "grid")[0](), 1500)
    anonymizing = (time.perf_counter() - start) / len(photos)
    network = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg")
    inputs = np.stack([cv2.resize(photo, (IMAGE_SIZE, IMAGE_SIZE)) for photo in photos]).repeat(4, axis=0)
    network.predict(inputs[:32], verbose=0)
    start = time.perf_counter()
    network.predict(inputs, batch_size=32, verbose=0)
    return anonymizing, (time.perf_counter() - start) / len(inputs)


def summary(each: int, first: Counter, head: Counter, plain: tuple[float, float], peaks: dict[str, float]) -> str:
    """Write what came out, of so many training photos of each class, as Markdown."""
    train, test = CLASSES * each, CLASSES * (each // TEST_SHARE)
    # Each network sees its training photos every epoch, then the raw test photos and, if they differ, its own.
    passes = len(DATASETS) * (EPOCHS * train + test) + VARIANTS * test
    theirs, ours = plain[0] * (train + test) + plain[1] * passes, first.total()
    extracting = first["extract"] / len(DATASETS) / (train + test)
    speed = operations(1, IMAGE_SIZE) / extracting
    return "\n".join(
        [
            f"{CLASSES} classes of {each} training and {each // TEST_SHARE} test photos, {WIDTH} x {HEIGHT}; raw and "
            f"{VARIANTS} variants; frozen ResNet50 at {IMAGE_SIZE}, {EPOCHS} epochs; {worker_count()} threads of "
            f"{processor_name()}.",
            "",
            "| all stages of a kind | minutes |",
            "| --- | ---: |",
            *(f"| {name} | {seconds / 60:.1f} |" for name, seconds in first.items()),
            f"| **together** | **{ours / 60:.1f}** |",
            f"| again with `train.head: {OTHER_HEAD}` in place of `{HEAD}` | {head.total() / 60:.1f} |",
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
            "",
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    """Run it all, in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.classic", description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos to use; without, scenes are drawn")
    parser.add_argument("--train", type=int, default=TRAIN, help=f"training photos a class, 4 or more ({TRAIN})")
    options = parser.parse_args(arguments)
    images = read_images(options.images, 300)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_source(folder / "photos", images, options.train)
        copy_pipeline(folder)
        for key, value in ({"data.source": "photos"} | SETTINGS).items():
            set_param(folder, key, value)
        run(folder, "git", "init", "-q")
        first = repro(folder)
        set_param(folder, "train.head", OTHER_HEAD)
        head = repro(folder)
    photos = [make_photo(images[number % len(images)], number) for number in range(PLAIN_PHOTOS)]
    peaks = {dtype: measure_peak(dtype) for dtype in ("float32", "bfloat16")}
    text = summary(options.train, first, head, measure_plain(photos), peaks)
    TABLE.write_text(text, encoding="utf-8")
    print(f"{text}\nclassic: written to {TABLE}")


if __name__ == "__main__":
    main()
