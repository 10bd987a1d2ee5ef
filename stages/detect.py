"""Says where people are in the images of `data/raw`: as the source says, as a detector finds them, or both.

Writes the boxes to `data/detections.csv`, what the detector missed to `metrics/regions.json`, and a few images with
their boxes outlined to `data/outlined/`, to check by eye.
"""

import itertools
import json
from pathlib import Path

import cv2
import numpy as np

from stages.core.boxes import DETECTIONS_FILE, REGIONS_FILE, Box, read_boxes, write_boxes
from stages.core.cells import CELL, MOST_CELLS, choose_images, fit_into_cell, scale_to_cell
from stages.core.datasets import Dataset, Part
from stages.core.errors import naming, naming_failure, run_stage
from stages.core.files import new_folder, write_file
from stages.core.images import decode_image, write_image
from stages.core.parallel import count_image, finish, map_bounded, map_parts
from stages.core.params import RAW, RegionParams, load_params
from stages.core.stale import withdraw
from stages.regions.detectors import load_detector
from stages.regions.matching import Detection, merge_boxes, score_detector

SOURCE = Path("data") / RAW
OUTLINED = Path("data/outlined")
METRICS_FILE = Path("metrics/regions.json")
_YELLOW, _BLACK = (255, 220, 0), (0, 0, 0)


def detect() -> None:
    """Find the regions of every image.

    Raises
    ------
    PipelineError
        If `regions.detector` is no detector, or fails on an image.
    """
    withdraw()
    params = load_params()
    mode = params.regions.boxes
    source = Dataset(SOURCE)
    paths, given = source.paths(), read_boxes(REGIONS_FILE)
    found = {} if mode == "given" else _run_detector(source, params.regions)
    images = {path: Detection(given.get(path, []), found.get(path, [])) for path in paths}
    merges = {
        path: merge_boxes([] if mode == "detected" else image.given, image.detected) for path, image in images.items()
    }
    regions = {path: boxes for path, (boxes, _) in merges.items()}
    without = [path for path, boxes in regions.items() if not boxes]
    total = sum(map(len, regions.values()))
    summary: dict = {
        "images": len(paths),
        "images_without_region": len(without),
        "regions": total,
        "given": sum(len(image.given) for image in images.values()),
        "detected": sum(len(image.detected) for image in images.values()),
        "merged": sum(merged for _, merged in merges.values()),
    }
    if mode != "given":
        summary |= score_detector(images.values())
    if total:
        summary["without_region"] = without
    write_boxes(DETECTIONS_FILE, regions)
    write_file(METRICS_FILE, (json.dumps(summary, indent=2) + "\n").encode())
    _write_outlined(source, regions, params.data.seed)
    finish(f"detect: {total} regions in {len(paths) - len(without)} of {len(paths)} images into {DETECTIONS_FILE}")


def _run_detector(source: Dataset, params: RegionParams) -> dict[str, list[Box]]:
    detector = load_detector(params)

    def find(part: Part) -> list[tuple[str, list[Box]]]:
        found = []
        for path, encoded in source.read_part(part):
            file = SOURCE / path
            image = decode_image(encoded, file)
            with naming(file), naming_failure(file, "the detector"):
                found.append((path, detector(image)))
            count_image()
        return found

    return dict(itertools.chain.from_iterable(map_parts(find, source.parts(), label="detect")))


def _write_outlined(source: Dataset, regions: dict[str, list[Box]], seed: int) -> None:
    # The images of the gallery, if there is one, so that its columns show the same images as this row.
    split = "test/" if any(path.startswith("test/") for path in regions) else ""
    chosen = choose_images([path[len(split) :] for path in regions if path.startswith(split)], MOST_CELLS, seed)
    with new_folder(OUTLINED) as folder:
        cells = map_bounded(lambda path: outline(source.image(path), regions[path]), [split + path for path in chosen])
        for number, cell in enumerate(cells):
            write_image(folder / f"{number:02d}.png", cell)


def outline(image: np.ndarray, boxes: list[Box]) -> np.ndarray:
    """Show an image in a cell of a picture, with boxes outlined in yellow on black, which shows on any colour.

    Parameters
    ----------
    image : numpy.ndarray
        (height, width, 3) uint8, RGB.
    boxes : list of Box
        In pixels of the image.

    Returns
    -------
    numpy.ndarray
        (CELL, CELL, 3) uint8, RGB.
    """
    scaled = scale_to_cell(image)
    down, across = (new / old for new, old in zip(scaled.shape[:2], image.shape[:2], strict=True))
    corners = np.array([(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]).reshape(-1, 4)
    drawn = np.rint(np.clip(corners * ([across, down] * 2), -CELL, 2 * CELL)).astype(int).tolist()
    for colour, thickness in ((_BLACK, 4), (_YELLOW, 2)):
        for left, top, right, bottom in drawn:
            cv2.rectangle(scaled, (left, top), (right - 1, bottom - 1), colour, thickness)
    return fit_into_cell(scaled)


if __name__ == "__main__":
    run_stage(detect)
