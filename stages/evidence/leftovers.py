"""What is left in the anonymized images: pixels, regions that a detector still finds, images left open."""

from collections.abc import Collection

import numpy as np

from stages.attacks.pixels import measure_pixels
from stages.core.boxes import REGION, read_boxes, with_labels
from stages.core.parallel import map_ordered
from stages.core.paths import REGIONS_FILE
from stages.core.seeding import order_key
from stages.evidence.target import Change, Target
from stages.evidence.views import View
from stages.regions.crops import around, main_region
from stages.regions.detectors import load_detector
from stages.regions.masks import count_missed
from stages.regions.matching import find_matches


def measure_images(
    target: Target, restore: Change, test: list[str], asked: Collection[str], views: list[View]
) -> tuple[dict[str, list[float | None]], list[dict[str, np.ndarray]]]:
    """Measure some test images, those that are asked about first, and restore all that are asked about.

    Returns the numbers of all images by key, None where there is none, and what each view shows of each restored image.
    """
    count, seed = target.params.attack.reconstruction_images, target.params.attack.seed
    ordered = sorted(test, key=lambda path: (path not in asked, order_key(seed, path)))
    judged, measured = ordered[: max(count, len(asked))], set(ordered[:count])
    looks, regions = [(view.look, view.shows) for view in views], target.params.regions
    detect = None if regions.boxes == "given" else load_detector(regions)

    def judge(name: str) -> tuple[list[np.ndarray | None], dict[str, float | None]]:
        path = f"test/{name}"
        anonymized = target.images.image(path)
        restored = restore(anonymized, path)
        shown = [look(restored, path) if shows(path) else None for look, shows in looks]
        if name not in measured:
            return shown, {}
        original = target.raw.image(path)
        row = measure_pixels(original, anonymized, restored)
        boxes = target.boxes.get(path)
        if boxes:
            part = around(main_region(boxes), original.shape[:2])
            of_region = measure_pixels(original[part], anonymized[part], restored[part])
            row |= {f"{REGION}{key}": value for key, value in of_region.items()}
            row["regions_asked"] = len(boxes)
            row["regions_found"] = sum(find_matches(boxes, detect(anonymized))) if detect else None
        return shown, row

    views_of_all, rows = zip(*map_ordered(judge, judged, total=len(judged), label=target.name), strict=True)
    by_view = [
        {path: image for path, image in zip(judged, images, strict=True) if image is not None}
        for images in zip(*views_of_all, strict=True)
    ]
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: [row.get(key) for row in rows[:count]] for key in keys}, by_view


def count_left_open(target: Target, splits: dict[str, list[str]]) -> dict[str, int]:
    """Count what a variant that acts on regions leaves as it is: images, and regions that the detector missed."""
    if target.acting.where != "regions":
        return {}
    images = sum(f"{split}/{path}" not in target.boxes for split, paths in splits.items() for path in paths)
    given = read_boxes(REGIONS_FILE)
    # Of other labels, such as heads where a detector finds faces, all must be covered.
    given = with_labels(given, target.acting.labels) or given
    # Given boxes that are used cannot be missed.
    if target.params.regions.boxes != "detected" or not given:
        return {"images_left_open": images}
    missed = count_missed(given, target.boxes, target.acting)
    return {"images_left_open": images, "regions_given": sum(map(len, given.values())), "regions_missed": missed}
