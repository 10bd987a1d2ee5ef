"""Times each thing that was made fast beside its plain counterpart: ``python -m tests.benchmarks [name ...]``.

Prints one Markdown table; without names, that is of all, it goes to `metrics/benchmarks.md` as well. Both ways run in
turn in one process, on one thread where nothing else is said, and have run once before the clock starts.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from stages.core.machine import WORKERS_VARIABLE, processor_name, worker_count
from stages.core.parallel import map_bounded
from stages.core.params import load_params
from stages.methods.blocking_merging import FLAGS, blocking_merging, deal_blocks, merge_with_opencv
from stages.methods.gaussian_blur import gaussian_blur
from stages.network.speed import operations
from stages.scenes import CLASSES, IDENTITIES, draw_scene
from tests import networks

TABLE = Path("metrics/benchmarks.md")
HEADER = (
    "| name | plain | fast | plain, ms | fast, ms | times as fast | mean difference | within 4 levels | largest |\n"
    "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
)
IN_TURN = 10  # as many images at a time, as in the pipeline, where one way does not find the other's data in the caches
# Name, words, and variables that imitate another processor.
PROCESSORS = (("", "", {}), ("_avx2", ", with AVX2 alone", {"ONEDNN_MAX_CPU_ISA": "AVX2"}))
Way = Callable[[], np.ndarray | None]


class Benchmark(NamedTuple):
    """Two ways to do the same."""

    plain: str  # what the plain way is, in a few words
    fast: str
    pairs: Callable[[list[np.ndarray]], list[tuple[Way, Way]]]  # from images; what is returned is compared


class Result(NamedTuple):
    """What came out, per pair."""

    plain_ms: float
    fast_ms: float
    ratio: float
    differences: np.ndarray | None  # how many values differ by 0, 1, ... 255


def on_images(ways: Callable[..., tuple[Way, Way]], *options: object) -> Callable:
    """Return what gives the two ways for each image."""
    return lambda images: [ways(image, *options) for image in images]


def merging(image: np.ndarray, pattern: str) -> tuple[Way, Way]:
    """Steps 1 to 3 of blocking and merging with its defaults."""
    options = {"block_size": 12, "pattern": pattern, "inpaint": "telea", "inpaint_radius": 5, "orb_features": 0}

    def plain() -> np.ndarray:
        sets = deal_blocks(image.shape[:2], 12, pattern, np.random.default_rng(0))
        return merge_with_opencv(image, sets, 12, FLAGS["telea"], 5)

    return plain, lambda: blocking_merging(image, rng=np.random.default_rng(0), **options)


def blurring(image: np.ndarray, sigma: float) -> tuple[Way, Way]:
    """Gaussian blur; at a large sigma, the plain way's own kernel is coarse and off by some levels."""
    return lambda: cv2.GaussianBlur(image, (0, 0), sigma), lambda: gaussian_blur(image, sigma=sigma)


def with_workers(images: list[np.ndarray]) -> list[tuple[Way, Way]]:
    """Decode, block and merge, and encode all images on one worker, and on one a core."""
    files = [cv2.imencode(".png", image)[1] for image in images]

    def anonymize(file: np.ndarray) -> None:
        image = merging(cv2.imdecode(file, cv2.IMREAD_COLOR), "grid")[1]()
        cv2.imencode(".png", image)

    def run(workers: int) -> None:
        os.environ[WORKERS_VARIABLE] = str(workers)
        for _ in map_bounded(anonymize, files):
            pass
        del os.environ[WORKERS_VARIABLE]

    cores = worker_count()
    return [(lambda: run(1), lambda: run(cores))]


def on_processors(name: str, plain: str, fast: str, ways: tuple[Callable, Callable]) -> dict[str, Benchmark]:
    """Return a benchmark of two ways that run networks, in processes of their own, for each of the processors."""

    def pairs(instructions: dict[str, str]) -> list[tuple[Way, Way]]:
        first, second = (networks.in_child(way, **instructions) for way in ways)
        return [(first, second)]

    return {
        f"{name}{suffix}": Benchmark(f"{plain}{words}", fast, lambda images, isa=isa: pairs(isa))
        for suffix, words, isa in PROCESSORS
    }


BENCHMARKS = {
    "merging_grid": Benchmark("`cv2.inpaint` four times", "`blocking_merging`, grid", on_images(merging, "grid")),
    "merging_random": Benchmark("`cv2.inpaint` four times", "`blocking_merging`, random", on_images(merging, "random")),
    "blur_7": Benchmark("`cv2.GaussianBlur`, sigma 7", "`gaussian_blur`", on_images(blurring, 7)),
    "blur_50": Benchmark("`cv2.GaussianBlur`, sigma 50", "`gaussian_blur`", on_images(blurring, 50)),
    "workers": Benchmark("`anonymize` on all images, one worker", "one worker a core", with_workers),
    "detect": Benchmark(
        "the package's MTCNN on all images, all cores",
        "`detect`'s MTCNN, one worker a core",
        lambda images: [
            (networks.in_child(networks.detect_plain, images), networks.in_child(networks.detect_fast, images))
        ],
    ),
    **on_processors(
        "backbone",
        f"Keras' `predict`, ResNet50 on {networks.PHOTOS} photos at {networks.PHOTO_SIZE}, all cores",
        "`extract`'s frozen graph, in float32",
        (networks.predict_plain, networks.predict_fast),
    ),
    **on_processors(
        "training",
        f"Keras' layers and Adam, one network of the default on {networks.IMAGES} images, all cores",
        "`train`'s layers and Adam",
        (networks.train_plain, networks.train_fast),
    ),
}


def measure(pairs: list[tuple[Way, Way]], rounds: int) -> Result:
    """Run some plain ways and then the fast ways of the same, in turn, several rounds."""
    differences = None
    for plain, fast in pairs:
        expected, got = plain(), fast()
        if expected is not None and got is not None:
            found = np.abs(np.asarray(expected, dtype=int) - got).ravel()
            differences = (0 if differences is None else differences) + np.bincount(found, minlength=256)
    times = np.zeros((rounds, len(pairs), 2))
    for number in range(rounds):
        for first in range(0, len(pairs), IN_TURN):
            for way in (0, 1):
                for place in range(first, min(first + IN_TURN, len(pairs))):
                    start = time.perf_counter()
                    pairs[place][way]()
                    times[number, place, way] = time.perf_counter() - start
    plain_sums, fast_sums = times.sum(axis=1).T
    milliseconds = np.median(times, axis=0).mean(axis=0) * 1000
    return Result(*milliseconds.tolist(), median((plain_sums / fast_sums).tolist()), differences)


def row(name: str, result: Result) -> str:
    """Write one row of the table."""
    benchmark = BENCHMARKS[name]
    cells = [name, benchmark.plain, benchmark.fast, f"{result.plain_ms:.2f}", f"{result.fast_ms:.2f}"]
    cells.append(f"{result.ratio:.1f}")
    if result.differences is None:
        cells += ["", "", ""]
    else:
        shares = result.differences / result.differences.sum()
        mean = shares @ np.arange(len(shares))
        cells += [f"{mean:.2f}", f"{shares[:5].sum():.3%}", str(np.flatnonzero(shares).max())]
    return "| " + " | ".join(cells) + " |"


def describe(images: list[np.ndarray], rounds: int) -> str:
    """Say on what and with what it was measured."""
    pixels = np.mean([image.shape[0] * image.shape[1] for image in images])
    return (
        f"{len(images)} images of {pixels / 1e6:.2f} megapixels on average, medians of {rounds} rounds, one thread of "
        f"{processor_name()} ({os.cpu_count()} cores), Python {platform.python_version()}, NumPy {np.__version__}, "
        f"OpenCV {cv2.__version__}."
    )


def network_shares(results: dict[str, Result]) -> list[str]:
    """Say how much of what a matrix product reaches the networks' fast ways do."""
    work = {
        "backbone": operations(networks.PHOTOS, networks.PHOTO_SIZE),
        "training": operations(networks.IMAGES, load_params().train.image_size, training=True),
    }
    lines = ["", "Of what a matrix product in float32 reaches on the same cores and instructions:", ""]
    for suffix, _, isa in PROCESSORS:
        named = {name + suffix: count for name, count in work.items() if name + suffix in results}
        peak = networks.in_child(networks.peak, "float32", **isa)() if named else 0
        for name, count in named.items():
            speed = count / results[name].fast_ms * 1000
            lines.append(f"- `{name}`: {speed / peak:.0%} of {peak / 1e9:.0f} billion operations a second")
    return lines


def read_images(folder: Path | None, limit: int) -> list[np.ndarray]:
    """Read the folder's images, or draw scenes."""
    if folder is None:
        rng = np.random.default_rng(0)
        return [
            draw_scene(CLASSES[i % len(CLASSES)], i % IDENTITIES, rng, size=432).image for i in range(min(limit, 12))
        ]
    images = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in sorted(folder.rglob("*")) if path.is_file()]
    images = [cv2.cvtColor(image, cv2.COLOR_BGR2RGB) for image in images if image is not None][:limit]
    if not images:
        sys.exit(f"`--images` must be a folder of images; received: {folder}")
    return images


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join(BENCHMARKS)}; all without")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="images to use; without, scenes are drawn")
    parser.add_argument("--limit", type=int, default=60, help="how many images at most (60)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run (5)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"`name` must be of {', '.join(BENCHMARKS)}; received: {', '.join(unknown)}")
    images = read_images(options.images, options.limit)
    cv2.setNumThreads(1)
    lines = [describe(images, options.rounds), "", HEADER]
    print("\n".join(lines), flush=True)
    with threadpool_limits(1):
        results = {}
        for name in options.names or BENCHMARKS:
            results[name] = measure(BENCHMARKS[name].pairs(images), options.rounds)
            lines.append(row(name, results[name]))
            print(lines[-1], flush=True)
    if any(name.startswith(("backbone", "training")) for name in results):
        shares = network_shares(results)
        print("\n".join(shares))
        lines += shares
    if not options.names:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
