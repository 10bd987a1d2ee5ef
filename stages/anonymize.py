"""Anonymizes the images of `data/raw` with one variant's method, into `data/<variant>`: same tree, same names.

The method acts on whole images, on the regions of `data/detections.csv` alone, or on all but them. If it acts
on parts, contact sheets in `data/contact/<variant>` show every image; otherwise one sheet shows the first ones.
"""

import hashlib
import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages.core.boxes import REGIONS, Box, read_boxes, row_numbers, with_labels
from stages.core.datasets import Dataset
from stages.core.errors import PipelineError, error_context, failure_context, printable, run_stage
from stages.core.files import new_folder, write_table
from stages.core.images import decode_image, encode_image
from stages.core.masks import Masks
from stages.core.new_dataset import new_dataset
from stages.core.parallel import map_bounded, map_parts, print_summary
from stages.core.params import Params, RegionParams, Variant, load_params
from stages.core.paths import CONTACT, DATA, DETECTIONS_FILE, FIT, RAW_FOLDER, REGIONS_REPORT
from stages.core.people import read_people_by_path
from stages.core.secret import image_generator, load_secret, secret_key
from stages.core.seeding import generator
from stages.core.stale import print_leftovers, withdraw_changed
from stages.core.store import key_of, unchanged_images
from stages.methods.shared.method import Method, find_method
from stages.regions.acting import act_where, draw_name, fill_regions, pixels_moved
from stages.regions.groups import CERTIFICATE, Groups, Means, certify, form_groups
from stages.regions.pictures import PER_SHEET, Print, outline, write_contact_sheets

_CODE = ("anonymize.py", "core", "methods/shared", "regions")  # and the method's own file


def anonymize_image(
    image: np.ndarray,
    path: str,
    variant: Variant,
    method: Method,
    secret: bytes | None = None,
    boxes: Sequence[Box] = (),
    silhouette: np.ndarray | None = None,
    means: Means | None = None,
) -> np.ndarray:
    """Anonymize one image where its variant acts."""

    def act(part: np.ndarray, box: Box | None, hole: np.ndarray | None = None) -> np.ndarray:
        given: dict[str, Any] = {} if hole is None else {"hole": hole}
        if variant.seed is not None:
            given["rng"] = generator(variant.seed, draw_name(path, box))
        if variant.needs_secret:
            if secret is None:
                raise TypeError(f"{variant.method} needs a secret; got None")
            given["secret_rng"] = image_generator(secret, variant.method, variant.arguments, part)
        if means is not None:
            given["fitted"] = means.of(path, "" if box is None else box.label)
        result = method.apply(part, **variant.arguments, **given)
        if not isinstance(result, np.ndarray) or result.shape != part.shape or result.dtype != np.uint8:
            got = f"{result.shape} {result.dtype}" if isinstance(result, np.ndarray) else type(result).__name__
            raise TypeError(f"{variant.method} must return {part.shape} uint8; got {got}")
        return result

    if variant.fills:
        return fill_regions(image, boxes, act, variant.acting, silhouette)
    return act_where(image, boxes, act, variant.acting, silhouette)


def anonymize(name: str, *, parameters: Params | None = None) -> None:
    """Anonymize `data/raw` into `data/<name>`, all images or none."""
    withdraw_changed()
    params = parameters or load_params()
    variant = params.variant(name)
    method = find_method(variant.method)
    secret = load_secret() if variant.needs_secret else None
    source = Dataset(RAW_FOLDER)
    paths = source.paths()
    is_whole = variant.acting.where == "image"
    boxes = {} if is_whole else _read_regions(name, variant.acting.labels)
    left_open = {path for path in paths if path not in boxes} if variant.acting.where == "regions" else set()
    _check_regions(name, len(paths), len(left_open), params.regions)
    masks = Masks() if variant.acting.shape == "mask" else None
    if masks is not None and masks.is_empty:
        raise PipelineError(
            f"`variants.{name}.shape` must be ellipse or box, as no image of `{RAW_FOLDER}` has a silhouette; "
            "received: mask"
        )
    groups, means = None, None
    if method.fit is not None:
        groups = form_groups(source, boxes, read_people_by_path(), variant, method.fit, name)
        means = Means(source, boxes, groups, variant, name)
        boxes, variant = groups.boxes, variant.model_copy(update={"acting": groups.acting})
    settings = _settings(variant, secret)

    def image_key(path: str, encoded: bytes) -> str:
        own = boxes.get(path)
        key = f"{settings} {path!r} {own}"
        if means is not None:
            key += means.digest(path, [""] if own is None else [box.label for box in own])
        outline = b"" if masks is None else hashlib.sha256(masks.encoded(path)).digest()
        return hashlib.sha256(key.encode() + outline + encoded).hexdigest()

    def make(path: str, encoded: bytes) -> bytes:
        file = source.folder / path
        with error_context(file):
            image = decode_image(encoded, file)
            with failure_context(file, name):
                mask = None if masks is None else masks.read(path)
                result = anonymize_image(image, path, variant, method, secret, boxes.get(path, ()), mask, means)
            return encode_image(result, file, encoded)

    with (
        new_dataset(DATA / name, is_sharded=source.is_sharded) as made,
        new_folder(FIT / name) as fitted,
        new_folder(CONTACT / name) as sheets,
    ):
        parts = map_parts(
            lambda part: made.make_part(part.name, lambda: source.read_part(part), image_key, make),
            source.parts(),
            label=name,
        )
        count = sum(parts)
        _write_groups(fitted, made.folder, groups, variant, name)
        shown = paths[:PER_SHEET] if is_whole else paths
        pages = _write_contact_sheets(made.folder, shown, boxes, variant.acting.labels, left_open, sheets)
    if not is_whole:
        print(
            f"anonymize: to check by eye, contact sheets in {CONTACT / name}/: {pages}; red frame: no region; numbers: "
            f"lines of {DETECTIONS_FILE}"
        )
    if variant.acting.where == "regions" and method.block_noise(**variant.arguments):
        moved = max(pixels_moved(box, variant.acting) for of_image in boxes.values() for box in of_image)
        pixels = variant.arguments["neighbourhood"] / moved
        print(f"anonymize: in the smallest region, {name} protects {pixels:.2g} pixels of the original")
    print_leftovers("anonymize", params)
    open_images = f"; {len(left_open)} without a region, so not anonymized: see {REGIONS_REPORT}" if left_open else ""
    unchanged = unchanged_images(len(paths) - count)
    print_summary(f"anonymize: {len(paths)} images with {name} into {DATA / name}/{unchanged}{open_images}")


def _write_groups(folder: Path, images: Path, groups: Groups | None, variant: Variant, name: str) -> None:
    """Write the groups and the certificate, if the method forms groups."""
    members = {} if groups is None else groups.of_image
    write_table(folder / "groups.csv", [("image", "group"), *sorted(members.items())])
    certificate = {} if groups is None else certify(Dataset(images), groups, variant, name)
    (folder / CERTIFICATE).write_text(json.dumps(certificate, indent=1) + "\n", encoding="utf-8")


def _settings(variant: Variant, secret: bytes | None) -> str:
    """Return everything an anonymized image depends on, except its original, its path and its regions."""
    used = None if secret is None else secret_key(secret, "which secret").hex()
    settings = [variant.method, variant.arguments, variant.seed, variant.acting.model_dump()]
    return key_of((*_CODE, f"methods/{variant.method}.py"), settings, used)


def _write_contact_sheets(
    folder: Path,
    shown: list[str],
    boxes: dict[str, list[Box]],
    labels: list[str] | None,
    left_open: Collection[str],
    sheets: Path,
) -> int:
    images, numbers = Dataset(folder), row_numbers(read_boxes(DETECTIONS_FILE), labels) if boxes else {}

    def show(path: str) -> Print:
        cell = outline(images.image(path), boxes.get(path, ()), numbers.get(path, ()))
        return Print(path, cell, path in left_open)

    return write_contact_sheets(map_bounded(show, shown), sheets)


def _read_regions(name: str, labels: list[str] | None) -> dict[str, list[Box]]:
    """Read the boxes that a variant acts on; refuse a label that no box has, as a typo would leave people uncovered."""
    boxes = read_boxes(DETECTIONS_FILE)
    known = {box.label for own in boxes.values() for box in own}
    unknown = [label for label in labels or () if label not in known]
    if unknown and boxes:
        raise PipelineError(
            f"`variants.{name}.labels` must name labels of `{DETECTIONS_FILE}`, which has "
            f"{', '.join(map(printable, sorted(known)))}; received: {', '.join(map(printable, unknown))}"
        )
    return with_labels(boxes, labels)


def _check_regions(name: str, images: int, left_open: int, params: RegionParams) -> None:
    if left_open == images and params.boxes == "given":
        raise PipelineError(
            f"`variants.{name}.where` must be image or background, as no image of `{RAW_FOLDER}` has a region; "
            f"received: regions; `{REGIONS}` gives boxes, `regions.boxes: detected` finds faces"
        )
    if left_open and params.required:
        raise PipelineError(
            f"`regions.required` demands a region in each of the {images} images; received: {left_open} without one, "
            f"listed in {REGIONS_REPORT}; if nobody is in them, `regions.required: false` leaves them as they are"
        )


if __name__ == "__main__":
    run_stage(anonymize, *sys.argv[1:])
