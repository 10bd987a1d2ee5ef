"""Says where people are in the images of `data/raw`: as the source says, as a detector finds them, or both.

Writes the boxes to `data/detections.csv`, what the detector missed to `metrics/regions.json`, and a few images with
their boxes outlined to `data/outlined/`, to check by eye.
"""

import itertools
import json

from stages.core.boxes import Box, read_boxes, write_boxes
from stages.core.cells import MOST_CELLS, choose_images
from stages.core.datasets import Dataset, Part
from stages.core.errors import error_context, failure_context, run_stage
from stages.core.files import new_folder, write_file
from stages.core.images import decode_image, write_image
from stages.core.parallel import count_image, map_bounded, map_parts, print_summary
from stages.core.params import Params, RegionParams, load_params
from stages.core.params.detectors import CENTERFACE, GET_CENTERFACE, MTCNN
from stages.core.paths import DETECTIONS_FILE, OUTLINED, RAW_FOLDER, REGIONS_FILE, REGIONS_REPORT
from stages.core.stale import withdraw
from stages.core.store import unchanged_images
from stages.regions.detectors import FoundBoxes, load_detector
from stages.regions.matching import merge_boxes, score_detector, with_bodies
from stages.regions.pictures import outline


def detect(*, parameters: Params | None = None) -> None:
    """Find the regions of every image."""
    withdraw()
    params = parameters or load_params()
    mode = params.regions.boxes
    source = Dataset(RAW_FOLDER)
    paths, given = source.paths(), read_boxes(REGIONS_FILE)
    found, known = ({}, 0) if mode == "given" else _run_detector(source, params.regions)
    used = {} if mode == "detected" else given
    merges = {path: merge_boxes(used.get(path, []), found.get(path, [])) for path in paths}
    regions = {path: boxes for path, (boxes, _) in merges.items()}
    if params.regions.people_from_faces:
        regions = {path: with_bodies(boxes) for path, boxes in regions.items()}
    without = [path for path, boxes in regions.items() if not boxes]
    count = sum(map(len, regions.values()))
    summary: dict = {
        "images": len(paths),
        "images_without_region": len(without),
        "regions": count,
        "given": sum(map(len, given.values())),
        "detected": sum(map(len, found.values())),
        "merged": sum(merged for _, merged in merges.values()),
    }
    if mode != "given":
        summary |= score_detector((given.get(path, []), found.get(path, [])) for path in paths)
    if count or mode != "given":
        summary["without_region"] = without
    write_boxes(DETECTIONS_FILE, regions)
    write_file(REGIONS_REPORT, (json.dumps(summary, indent=2) + "\n").encode())
    _write_outlined(source, regions, params.data.seed)
    if mode != "given" and params.regions.detector == [MTCNN]:
        print(
            "detect: MTCNN alone misses many faces that are small, turned or covered; CenterFace finds most of them: "
            f"`{GET_CENTERFACE}`, then `regions.detector: [{MTCNN}, {CENTERFACE}]`"
        )
    counted = f"{count} regions in {len(paths) - len(without)} of {len(paths)} images"
    if not count and mode != "given":
        counted = f"no face found in {len(paths)} images, all listed in {REGIONS_REPORT}"
    print_summary(f"detect: {counted} into {DETECTIONS_FILE}{unchanged_images(known)}")


def _run_detector(source: Dataset, params: RegionParams) -> tuple[dict[str, list[Box]], int]:
    """Return the boxes of each image, and how many images were seen in an earlier run."""
    kept = FoundBoxes(params)

    def recall(part: Part) -> list[tuple[str, list[Box] | None]]:
        return [(path, kept.read(encoded)) for path, encoded in source.read_part(part)]

    known = dict(itertools.chain.from_iterable(map_parts(recall, source.parts(), label="known")))
    found = {path: boxes for path, boxes in known.items() if boxes is not None}
    new = [Part(part.name, tuple(path for path in part.paths if path not in found)) for part in source.parts()]
    if len(found) == len(known):
        return found, len(found)
    detector = load_detector(params)

    def find(part: Part) -> list[tuple[str, list[Box]]]:
        boxes = []
        for path, encoded in source.read_part(part):
            file = RAW_FOLDER / path
            image = decode_image(encoded, file)
            with error_context(file), failure_context(file, "the detector"):
                boxes.append((path, detector(image)))
            kept.keep(encoded, boxes[-1][1])
            count_image()
        return boxes

    parts = [part for part in new if len(part)]
    return found | dict(itertools.chain.from_iterable(map_parts(find, parts, label="detect"))), len(found)


def _write_outlined(source: Dataset, regions: dict[str, list[Box]], seed: int) -> None:
    # The images of the gallery, if there is one, so that its columns show the same images as this row.
    split = "test/" if any(path.startswith("test/") for path in regions) else ""
    chosen = choose_images([path[len(split) :] for path in regions if path.startswith(split)], MOST_CELLS, seed)
    with new_folder(OUTLINED) as folder:
        cells = map_bounded(lambda path: outline(source.image(path), regions[path]), [split + path for path in chosen])
        for number, cell in enumerate(cells):
            write_image(folder / f"{number:02d}.png", cell)


if __name__ == "__main__":
    run_stage(detect)
