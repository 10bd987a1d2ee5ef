"""Boxes of people in what was planted, in all formats: beyond the border, tiny, and a thousand of them."""

import csv
import json
import math
from pathlib import Path

import numpy as np

from tests.strange.files import KINDS, encode
from tests.strange.places import Planted

Corners = tuple[int, int, int, int]  # x, y, width and height of a box
Sides = tuple[float, float, float, float]  # the same, in the unit of a file
PARTS = 256  # of a side, of which boxes in other units than pixels are made, so that all numbers are exact
LABELS = ("head", "person")  # of all boxes of a file
FULL = {"normalized": 1, "percent": 100, "yolo": 1}  # the number that stands for a whole side
FORMATS = ("x,y,width,height", "xmin,ymin,xmax,ymax", "left,top,right,bottom", "coco", "voc", *FULL)


def plant_regions(
    source: Path, planted: dict[str, Planted], rng: np.random.Generator
) -> tuple[dict[str, list[Corners]], dict[str, str]]:
    """Write boxes about a third of the plain files whose pixels are known, in one of the formats.

    Parameters
    ----------
    source : pathlib.Path
        The source, all of it planted.
    planted : dict of str to Planted
        By number.
    rng : numpy.random.Generator
        Decides which files, which boxes, and which format.

    Returns
    -------
    boxes : dict of str to list of tuple
        Number to the boxes that must come out, if the file is taken: in whole pixels, each once.
    changes : dict of str to str
        What `params.yaml` must say to have them read.
    """
    form = str(rng.choice(FORMATS))
    boxes: dict[str, list[Corners]] = {}
    written: dict[str, tuple[tuple[int, int], list[Sides]]] = {}
    for number, thing in planted.items():
        if thing.kind in KINDS and thing.pixels is not None and rng.integers(3) == 0:
            path = next(source.glob(f"*/{number}.*")).relative_to(source)
            size = thing.pixels.shape[:2]
            drawn = _draw_parts(rng, FULL[form]) if form in FULL else _draw_boxes(*size, rng)
            if form == "voc":
                drawn = [
                    (math.floor(box[0]), math.floor(box[1]), *(max(1, round(side)) for side in box[2:]))
                    for box in drawn
                ]
            written[str(path)] = size, drawn
            frame = (FULL[form],) * 2 if form in FULL else size
            boxes[number] = list(dict.fromkeys(_in_whole_pixels(box, size, frame) for box in drawn))
    return boxes, _write(source, form, written) if written else {}


def plant_masks(source: Path, planted: dict[str, Planted], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Write silhouettes of about a third of the plain files whose pixels are known; return them by number."""
    masks = {}
    for number, thing in planted.items():
        if thing.kind in KINDS and thing.pixels is not None and rng.integers(3) == 0:
            masks[number] = rng.random(thing.pixels.shape[:2]) < rng.choice([0, 0.01, 0.5, 1])
            path = next(source.glob(f"*/{number}.*")).relative_to(source)
            file = (source / "masks" / path).with_suffix(".png")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode(masks[number].astype(np.uint8) * 255, "PNG"))
    return masks


def _draw_parts(rng: np.random.Generator, full: int) -> list[Sides]:
    parts = np.hstack([rng.integers(0, PARTS, (3, 2)), rng.integers(8, PARTS, (3, 2))])
    return [tuple(box) for box in (parts * full / PARTS).tolist()]


def _draw_boxes(height: int, width: int, rng: np.random.Generator) -> list[Sides]:
    size = np.array([width, height])
    kind = rng.choice(["within", "beyond", "tiny", "many"])
    if kind == "beyond":
        return [(-2 * width, -2 * height, 5 * width, 5 * height), (-1, -1, 3.5, 1.5), (width - 0.5, 0, 1e6, 1)]
    count = {"many": 1000}.get(kind, 2)
    # Not in the corner, where a box of a pixel has another unit, nor as far beyond as one of the stored picture.
    corners = rng.uniform(0, 0.99 * size, (count, 2))
    sides = np.full((count, 2), 1e-3) if kind == "tiny" else rng.uniform(1e-3, size - corners)
    drawn = [tuple(box) for box in np.hstack([corners, sides]).tolist() if max(box[0] + box[2], box[1] + box[3]) > 2]
    return drawn or [(0, 0, 3, 3)]


def _in_whole_pixels(box: Sides, size: tuple[int, int], frame: tuple[int, int]) -> Corners:
    left, right = math.floor(box[0] * size[1] / frame[1]), math.ceil((box[0] + box[2]) * size[1] / frame[1])
    top, bottom = math.floor(box[1] * size[0] / frame[0]), math.ceil((box[1] + box[3]) * size[0] / frame[0])
    return left, top, max(right - left, 1), max(bottom - top, 1)


def _write(source: Path, form: str, written: dict[str, tuple[tuple[int, int], list[Sides]]]) -> dict[str, str]:
    beside = source.parent / form
    if form == "coco":
        images = [
            {"id": number, "file_name": path, "height": size[0], "width": size[1]}
            for number, (path, (size, _)) in enumerate(written.items())
        ]
        annotations = [
            {"image_id": number, "bbox": box} for number, (_, drawn) in enumerate(written.values()) for box in drawn
        ]
        beside.write_text(json.dumps({"images": images, "annotations": annotations}))
    elif form in ("yolo", "voc"):
        for path, (size, drawn) in written.items():
            file = (beside / path).with_suffix(".txt" if form == "yolo" else ".xml")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(map(_yolo_line, drawn)) if form == "yolo" else _voc(path, size, drawn))
    else:
        header = form if form not in FULL else FORMATS[0]
        with (source / "regions.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["path", *header.split(","), "label"])
            for index, (path, (_, drawn)) in enumerate(written.items()):
                ends = [box if header == FORMATS[0] else (*box[:2], *np.add(box[:2], box[2:])) for box in drawn]
                writer.writerows([path, *box, LABELS[index % 2]] for box in ends)
        return {"regions.unit": form if form in FULL else "pixels"}
    return {"regions.file": f"../{form}"}


def _yolo_line(box: Sides) -> str:
    return f"0 {box[0] + box[2] / 2!r} {box[1] + box[3] / 2!r} {box[2]!r} {box[3]!r}"


def _voc(path: str, size: tuple[int, int], drawn: list[Sides]) -> str:
    things = "".join(
        f"<object><name>head</name><bndbox><xmin>{box[0] + 1}</xmin><ymin>{box[1] + 1}</ymin>"
        f"<xmax>{box[0] + box[2]}</xmax><ymax>{box[1] + box[3]}</ymax></bndbox></object>"
        for box in drawn
    )
    shape = f"<size><width>{size[1]}</width><height>{size[0]}</height></size>"
    return f"<annotation><filename>{path}</filename>{shape}{things}</annotation>"
