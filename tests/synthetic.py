"""Scores as `evaluate` and `attack` write them, small enough to know the metrics by heart."""

import json
import re
from pathlib import Path

import numpy as np

from stages.core.cells import CELL
from stages.core.files import write_file
from stages.core.images import write_image
from stages.core.paths import DATA, HISTORY, INGEST_REPORT
from stages.core.people import write_groups, write_people
from stages.results.scores import privacy_file, utility_file

CLASSES = ["boat", "car"]
LABELS = [0] * 10 + [1] * 10
PATHS = [f"{CLASSES[label]}/{number:02}.png" for number, label in enumerate(LABELS)]
WRONG = {"raw": 1, "gaussian_blur": 4, "morphology": 8}  # of the boats
NAMED = {"raw": 20, "gaussian_blur": 12, "morphology": 4}  # of 20 images, of 5 people


MADE_WITH = {"system": "Some system", "processor": "Fast 9000", "numpy": "1.2.3"}
INGEST = {
    "images": {"train": {"boat": 30, "car": 30}, "test": {"boat": 10, "car": 10}},
    "size": {"height": {"min": 8, "median": 48.0, "max": 90}, "width": {"min": 8, "median": 64.0, "max": 90}},
    "rejected": [{"file": "a.png", "reason": "broken"}],
    "dropped_from_train": [],
    "paths_that_name_people": 0,
    "ignored_files": {},
}


PIXELS = {"psnr": 20.0, "psnr_restored": 22.0, "ssim_restored": 0.5, "keypoint_survival": 0.25, "unchanged_pixels": 0.1}


def utility(wrong: int) -> dict:
    predictions = [1] * wrong + [0] * (10 - wrong) + [1] * 10
    return {
        "classes": CLASSES,
        "paths": PATHS,
        "labels": LABELS,
        "labels_anonymized": LABELS,
        "predictions": [predictions],
        "predictions_anonymized": [LABELS],
        "loss": [wrong / 10],
        "ece": [wrong / 20],
        "brier": [wrong / 5],
        "membership": {"placements": [[0.5, 0.75]], "auc": {"loss": 0.625}, "tpr_at_fpr1": [0.125]},
        "made_with": {"training": MADE_WITH, "evaluation": MADE_WITH},
    }


def privacy(named: int | None) -> dict:
    learned = {
        "measured": {
            **{f"{view}{key}": [value] for view in ("", "region_") for key, value in PIXELS.items()},
            **{"regions_found": [1], "regions_asked": [2]},
        },
        "restorer": "ridge",
        "effort": "quick",
        "left_open": {"images_left_open": 0, "regions_given": 20, "regions_missed": 0},
        "findings": {
            f"{prefix}linkage_{key}": value
            for prefix in ("", "region_")
            for key, value in {"accuracy": 0.5, "chance": 0.05, "images": 20, "rank5": 0.75}.items()
        },
        "made_with": {"attack": MADE_WITH},
    }
    if named is not None:
        learned["identity"] = {
            "attacker": "committee",
            "attacks": {"informed": verdicts(named), "naive": verdicts(0), "restored": verdicts(named)},
            "paths": PATHS,
            "operating_points": {"auc": named / 20, "tpr_at_fpr1": named / 40},
            "chance": 0.2,
            "left_out": {"people": 0, "images": 0},
        }
        learned["region_identity"] = learned["identity"]
    return learned


def verdicts(named: int, images: int = 20, people: int = 5) -> dict[str, list[int]]:
    """Return verdicts on images of people in turn, the first of which name the right one, the others the next one."""
    labels = [number % people for number in range(images)]
    return {"people": labels, "named": [(label + (number >= named)) % people for number, label in enumerate(labels)]}


def change(file: Path, **changes) -> None:
    """Change values of a JSON file."""
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def write_results(
    folder: Path, people: bool = True, histories: dict | None = None, groups: dict[str, str] | None = None
) -> Path:
    """Write what `compare` reads below the working folder, which this is."""
    for number, dataset in enumerate(WRONG):
        write_file(utility_file(dataset), json.dumps(utility(WRONG[dataset])).encode())
        write_file(privacy_file(dataset), json.dumps(privacy(NAMED[dataset] if people else None)).encode())
        history = (histories or {}).get(dataset, "seed,epoch,accuracy,loss\n0,1,0.5,2\n0,2,0.75,1\n")
        write_file(HISTORY / f"{dataset}.csv", history.encode())
        for images, shift in (("gallery", 20), ("restored", 30)):
            if images == "gallery" or dataset != "raw":
                cell = np.full((CELL, CELL, 3), 50 * number + shift, np.uint8)
                write_image(DATA / images / dataset / "00.png", cell)
    labels = zip(PATHS, verdicts(0)["people"], strict=True)
    write_people({f"test/{path}": str(person) for path, person in labels} if people else {})
    write_groups({f"test/{path}": group for path, group in (groups or {}).items()})
    write_file(INGEST_REPORT, json.dumps(INGEST).encode())
    return folder


def untimed(line: str) -> str:
    """Return a stage's last line without the seconds that it must end with."""
    return re.fullmatch(r"(.*) \(\d+ s\)\n", line, flags=re.DOTALL)[1] + "\n"
