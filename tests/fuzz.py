"""Feeds stages with broken and strange files: ``python -m tests.fuzz --images 10000 [--seed 0]``.

The stages are `ingest`, `detect` and `anonymize`. Prints what became of each kind, and ends with 1 if any image crashed
or hung a stage, was lost, came out with wrong pixels or boxes, or came out of a variant as it went in.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.anonymize import anonymize_image
from stages.core.boxes import read_boxes
from stages.core.images import list_images, read_image
from stages.core.masks import Masks
from stages.core.params import load_params
from stages.core.paths import DETECTIONS_FILE, MASKS_FOLDER, REGIONS_FILE
from stages.methods.shared.method import find_method
from tests.clones import ROOT, set_param
from tests.strange import KINDS, MAX_PIXELS, PLACES, Planted, plant, plant_masks, plant_regions

BATCH = 500  # images in a source
MASK = {"method": "mask", "value": 77, "where": "regions", "shape": "box", "grow": 0, "feather": 0}


class Findings:
    """What became of everything that was planted."""

    def __init__(self) -> None:
        self.kinds: dict[str, Counter] = defaultdict(Counter)
        self.faults: Counter = Counter(crash=0, hang=0, stopped=0, unanonymized=0, lost=0, wrong=0)
        self.notes: list[str] = []
        self.boxes = self.masks = 0  # of images that were taken

    def fault(self, name: str, note: str) -> None:
        self.faults[name] += 1
        self.notes.append(f"{name}: {note}")


def run_python(workspace: Path, arguments: list[str], seconds: float, findings: Findings) -> bool:
    """Run a stage in a workspace, count how it ended, and return whether it did its work."""
    command, environment = [sys.executable, *arguments], {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        findings.fault("hang", " ".join(arguments))
        return False
    if done.returncode == 0:
        return True
    words = done.stderr.decode(errors="replace")
    stopped = done.returncode == 1 and words.splitlines()[-1].startswith("error: ") and "Traceback" not in words
    findings.fault("stopped" if stopped else "crash", f"{' '.join(arguments)}: {words[-2000:]}")
    return False


def make_source(workspace: Path, count: int, rng: np.random.Generator) -> dict[str, Planted]:
    """Fill `source` of a workspace with strange things, a fifth of them by their name or place."""
    classes = [workspace / "source" / name for name in "ab"]
    for folder in classes:
        folder.mkdir(parents=True)
    of_place = -(-count // 5)
    chosen = [*np.resize(rng.permutation(sorted(PLACES)), of_place)]
    chosen += [*np.resize(rng.permutation(sorted(KINDS)), count - of_place)]
    rng.shuffle(chosen)
    # Whatever else is drawn, both splits of both classes have an image.
    chosen += ["whole PNG"] * 20
    numbers = enumerate(chosen, 100_000)
    return {f"{number:06}": plant(classes[number % 2], number, str(kind), rng) for number, kind in numbers}


def check_ingest(workspace: Path, planted: dict[str, Planted], findings: Findings) -> None:
    """Compare `data/raw` and the report with what was planted."""
    report = json.loads((workspace / "metrics" / "ingest.json").read_text())
    fates: dict[str, Counter] = defaultdict(Counter)
    for path in list_images(workspace / "data" / "raw"):
        number = number_of(path)
        fates[number]["taken"] += 1
        image, thing = read_image(workspace / "data" / "raw" / path).astype(int), planted[number]
        fits = thing.pixels is None or thing.pixels.shape == image.shape
        if not fits or (thing.pixels is not None and np.abs(image - thing.pixels).max() > thing.tolerance):
            findings.fault("wrong", f"{thing.kind}: {path}")
    for entry in report["rejected"]:
        fates[number_of(entry["file"])]["rejected"] += 1
    for entry in report["dropped_from_train"]:
        fates[number_of(entry["image"])]["dropped"] += 1
    for number, thing in planted.items():
        fate = fates[number]
        findings.kinds[thing.kind].update(fate, entries=thing.count)
        against = {"taken": "rejected", "rejected": "taken"}.get(thing.verdict)
        if fate.total() != thing.count or fate[against]:
            findings.fault("lost" if fate.total() != thing.count else "wrong", f"{thing.kind} {number}: {dict(fate)}")


def check_regions(workspace: Path, boxes: dict[str, list], findings: Findings) -> None:
    """Compare the boxes of the images that were taken with what was planted."""
    written = read_boxes(workspace / REGIONS_FILE)
    for path in list_images(workspace / "data" / "raw"):
        if boxes.get(number_of(path), []) != [box[:4] for box in written.get(path, [])]:
            findings.fault("wrong", f"boxes of {path}")
        findings.boxes += len(written.pop(path, []))
    for path in written:
        findings.fault("wrong", f"boxes of no image, {path}")


def check_masks(workspace: Path, masks: dict[str, np.ndarray], findings: Findings) -> None:
    """Compare the silhouettes of the images that were taken with what was planted; boxes must hold all of them."""
    found, boxes = Masks(workspace / MASKS_FOLDER), read_boxes(workspace / REGIONS_FILE)
    for path in list_images(workspace / "data" / "raw"):
        mask, planted = found.read(path), masks.get(number_of(path))
        if (mask is None) != (planted is None) or (mask is not None and not np.array_equal(mask, planted)):
            findings.fault("wrong", f"silhouette of {path}")
        elif mask is not None:
            for box in boxes.get(path, []):
                mask[box.y : box.y + box.height, box.x : box.x + box.width] = False
            if mask.any():
                findings.fault("wrong", f"boxes of the silhouette of {path}")
        findings.masks += mask is not None


def check_masked(workspace: Path, variant: dict, findings: Findings) -> None:
    """See that a variant which masks regions of its labels, or silhouettes, masks all of them, and nothing else."""
    boxes, silhouettes = read_boxes(workspace / DETECTIONS_FILE), Masks(workspace / MASKS_FOLDER)
    for path, expected, result in compared(workspace, "masked", findings):
        mask = silhouettes.read(path) if variant["shape"] == "mask" else None
        for box in boxes.get(path, []) if mask is None else []:
            if box.label in variant.get("labels", [box.label]):
                bottom, right = max(box.y + box.height, 0), max(box.x + box.width, 0)
                expected[max(box.y, 0) : bottom, max(box.x, 0) : right] = MASK["value"]
        if mask is not None:
            expected[mask] = MASK["value"]
        if not np.array_equal(result, expected):
            findings.fault("unanonymized", f"masked: {path}")


def check_variant(workspace: Path, name: str, findings: Findings) -> None:
    """See that no image of a variant is the raw one unless its method made it so, and compute every eighth again."""
    variant = load_params(workspace / "params.yaml").variant(name)
    method = find_method(variant.method)
    for index, (path, image, result) in enumerate(compared(workspace, name, findings)):
        same = np.array_equal(image, result) and (image != image[0, 0]).any()  # of one colour, nothing is to be hidden
        if (same or index % 8 == 0) and not np.array_equal(result, anonymize_image(image, path, variant, method)):
            findings.fault("unanonymized", f"{name}: {path}")


def compared(workspace: Path, name: str, findings: Findings) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield path, raw image and result of each image of a variant, which must be those of `data/raw`."""
    raw, folder = workspace / "data" / "raw", workspace / "data" / name
    paths = list_images(folder)
    if paths != list_images(raw):
        findings.fault("lost", f"{name}: not the same tree as data/raw")
    for path in paths:
        yield path, read_image(raw / path), read_image(folder / path)


def number_of(path: str) -> str:
    return re.search(r"\d{6}", path).group()


def run_batch(workspace: Path, count: int, rng: np.random.Generator, options: argparse.Namespace, findings: Findings):
    shutil.copy(ROOT / "params.yaml", workspace)
    for key, value in {"source": "source", "max_rejected": 1.0, "max_pixels": MAX_PIXELS}.items():
        set_param(workspace, f"data.{key}", value)
    planted = make_source(workspace, count, rng)
    boxes = plant_regions(workspace / "source", planted, rng) if rng.integers(4) else {}
    masks = {} if boxes else plant_masks(workspace / "source", planted, rng)
    set_param(workspace, "data.classes", "folders" if rng.integers(3) else "none")
    if not run_python(workspace, ["-m", "stages.ingest"], options.seconds, findings):
        return
    check_ingest(workspace, planted, findings)
    if masks:
        check_masks(workspace, masks, findings)
    else:
        check_regions(workspace, boxes, findings)
    set_param(workspace, "regions.boxes", "given" if masks or rng.integers(4) else "both")
    if not run_python(workspace, ["-m", "stages.detect"], options.seconds, findings):
        return
    names = options.variants or [*load_params(workspace / "params.yaml").variants]
    if known := read_boxes(workspace / DETECTIONS_FILE):
        labels = sorted({box.label for own in known.values() for box in own} - {""})
        by_label = {"labels": labels[:1]} if labels and rng.integers(2) else {}
        variant = MASK | ({"shape": "mask"} if masks else by_label)
        set_param(workspace, "variants.masked", variant)
        if run_python(workspace, ["-m", "stages.anonymize", "masked"], options.seconds, findings):
            check_masked(workspace, variant, findings)
    for name in names:
        if run_python(workspace, ["-m", "stages.anonymize", name], options.seconds, findings):
            check_variant(workspace, name, findings)


def print_findings(findings: Findings, images: int) -> None:
    print("| kind | entries | written | rejected | in test too |")
    print("| --- | ---: | ---: | ---: | ---: |")
    total = sum(findings.kinds.values(), Counter())
    for kind, counts in [*sorted(findings.kinds.items()), ("all", total)]:
        columns = ("entries", "taken", "rejected", "dropped")
        print(f"| {kind} | {' | '.join(str(counts[column]) for column in columns)} |")
    print(f"\n{images} images: " + ", ".join(f"{count} {name}" for name, count in findings.faults.items()))
    print(f"{findings.boxes} boxes and {findings.masks} silhouettes of people came out")
    for note in findings.notes[:20]:
        print(note, file=sys.stderr)


def fuzz(options: argparse.Namespace) -> Findings:
    """Feed so many strange images, in sources of `BATCH`."""
    findings = Findings()
    for index, start in enumerate(range(0, options.images, BATCH)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            rng = np.random.default_rng([options.seed, index])
            run_batch(Path(folder), min(BATCH, options.images - start), rng, options, findings)
            subprocess.run(["rm", "-rf", f"{folder}/source"], check=True)  # deeper than Python removes
    return findings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=300, help="after which a stage hangs")
    parser.add_argument("--variants", nargs="+", help="that are made; default: all of params.yaml")
    options = parser.parse_args()
    findings = fuzz(options)
    print_findings(findings, options.images)
    sys.exit(1 if findings.faults.total() else 0)


if __name__ == "__main__":
    main()
