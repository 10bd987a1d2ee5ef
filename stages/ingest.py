"""Writes the images of `data.source` to `data/raw/{train,test}/<class>/` as upright 8-bit RGB without metadata.

With `data.classes: none`, they keep the paths that they have in the source.
Writes counts, sizes, rejected files and leakage to `metrics/ingest.json`, so that nothing is skipped in silence, and
who is in which image, of what group, and where, as far as that is known, to `data/identities.csv`, `data/groups.csv`
and `data/regions.csv`.
"""

import hashlib
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.core.boxes import REGIONS_FILE, write_boxes
from stages.core.errors import naming, run_stage
from stages.core.files import new_folder, write_file
from stages.core.images import MAX_SIDE, resize_image, write_image
from stages.core.parallel import finish, map_ordered
from stages.core.params import DataParams, load_params
from stages.core.people import GROUPS, IDENTITIES, write_groups, write_people
from stages.core.secret import load_secret, secret_key
from stages.core.seeding import order_key
from stages.sources.checks import check_images, check_rejected
from stages.sources.decoding import RejectedImage, decode_image, longest_file
from stages.sources.finding import SourceFile, find_sources, link_limit, read_source
from stages.sources.identify import count_named_paths, find_groups_of_people, identify_sources
from stages.sources.intake import Intake, Taken, in_source, make_report, sort_out, take_in
from stages.sources.key import remove_key, write_key
from stages.sources.naming import output_names
from stages.sources.regions import check_overlap, place_regions, read_regions
from stages.sources.renaming import neutral_paths, rename, unnamed_paths
from stages.sources.splitting import Drawn

RAW_FOLDER = Path("data/raw")
REPORT = Path("metrics/ingest.json")
STAGED = ".staged"  # where images wait until all are decoded, and the split is known


def limit_side(image: np.ndarray, max_side: int | None) -> np.ndarray:
    """Scale an image down, by area, until its longest side fits.

    Parameters
    ----------
    image : numpy.ndarray
        (height, width, 3) uint8.
    max_side : int or None
        Longest side allowed in pixels; None leaves the image as it is.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, never larger and with the same aspect ratio to the nearest pixel.
    """
    height, width = image.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return image
    scale = max_side / max(height, width)
    return resize_image(image, (max(1, round(height * scale)), max(1, round(width * scale))))


def ingest() -> None:
    """Write all images of `data.source` to `data/raw`, or stop and say why not.

    Raises
    ------
    PipelineError
        If the source is missing, empty or in no known layout, if a table at its top is wrong, if more than
        `data.max_rejected` of its files are rejected, or if a class is left without training or test images.
    """
    params = load_params().data
    remove_key()
    files, ignored = find_sources(params)
    people, by_table = identify_sources(files, params)
    groups = find_groups_of_people(files, params)
    regions = read_regions(files, params)
    secret = load_secret() if params.rename else None
    if secret is not None:
        # Not in the order of names, as the times of writing would give that order away.
        files.sort(key=lambda file: secret_key(secret, "order of writing", file.path))
    with new_folder(RAW_FOLDER) as folder:
        with warnings.catch_warnings():
            # Pillow warns of broken metadata, which we drop. Filters belong to all threads, so they are set here.
            warnings.simplefilter("ignore")
            results, drawn = take_in(files, params, lambda some: _take_all(some, folder, params))
        intake = sort_out(files, results, drawn, _names(files, drawn, params), ignored)
        intake = _move_images(intake, folder, params, secret)
        source = Path(params.source)
        known, grouped = (
            {image.path: told[file] for image in intake.kept if (file := in_source(image, source)) in told}
            for told in (people, groups)
        )
        placed = place_regions(regions, intake.kept, params)
        report = make_report(intake, params, with_names=not params.rename)
        report["known_people_without_image"] = len(people) - len(known)
        report["paths_that_name_people"] = count_named_paths(known, by_table=by_table, renamed=params.rename)
        report |= placed.counts
        write_file(REPORT, (json.dumps(report, indent=2, ensure_ascii=True) + "\n").encode())
        check_rejected(intake, len(results), params, REPORT)
        check_images(files, intake, params)
        check_overlap(regions, results.values(), params)
        write_people(known)
        write_groups(grouped)
        write_boxes(REGIONS_FILE, placed.boxes)
    if params.rename:
        write_key(intake, source, RAW_FOLDER)
    people_known = f", {len(known)} of known people" if params.has_classes else ""
    finish(
        f"ingest: {len(intake.kept)} images into {RAW_FOLDER}/{people_known}, {len(intake.rejected)} files rejected, "
        f"{ignored} ignored{_dropped(intake, params)}; see {REPORT}"
    )
    _tell_of_boxes(report)
    if params.has_classes:
        _tell_of_people(report, renamed=params.rename)
    else:
        _tell_of_no_classes(source)


def _names(files: list[SourceFile], drawn: Drawn, params: DataParams) -> dict[str, str]:
    placed = [drawn.place(file) for file in files if file.path in drawn.splits]
    suffix = f".{params.image_format}"
    if params.rename:
        return unnamed_paths(placed, suffix, with_class=params.has_classes)
    return output_names([file.path for file in placed], suffix)


def _move_images(intake: Intake, folder: Path, params: DataParams, secret: bytes | None) -> Intake:
    for image in intake.kept:
        (folder / image.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / _staged(image.source, params)).rename(folder / image.path)
    shutil.rmtree(folder / STAGED, ignore_errors=True)  # there is none where all files were rejected
    if secret is None:
        return intake
    paths = neutral_paths(intake.kept, secret)
    for old, new in paths.items():
        (folder / old).rename(folder / new)
    return rename(intake, paths)


def _tell_of_boxes(report: dict) -> None:
    no_image, twice = report["boxes_without_image"], report["boxes_given_twice"]
    left_out = f"; left out: {no_image} whose file gave no image, {twice} given twice" if no_image or twice else ""
    if report["boxes"] or left_out:
        print(f"ingest: {report['boxes']} boxes in {report['images_with_boxes']} images{left_out}")


def _tell_of_people(report: dict, *, renamed: bool) -> None:
    named, others = report["paths_that_name_people"], report["known_people_without_image"]
    if others:
        print(f"ingest: {others} files whose person is known gave no image: hidden, left out, rejected or dropped")
    if named:
        where, way_out = (
            ("class folders", "`data.rename` keeps the names of classes")
            if renamed
            else ("paths", "`data.rename: true` writes numbers instead")
        )
        print(
            f"ingest: the {where} of {named} images name the person in them, and would be published with "
            f"data/<variant>/; {way_out}"
        )


def _tell_of_no_classes(source: Path) -> None:
    unread = [name for name in (IDENTITIES, GROUPS) if (source / name).is_file()]
    if unread:
        print(f"ingest: {' and '.join(unread)} not read, as `data.classes: none` leaves out what needs to know people")
    print(
        "ingest: training and attacks are left out, as `data.classes: none` gives no classes to learn; "
        "`dvc repro anonymize` is the whole pipeline"
    )


def _dropped(intake: Intake, params: DataParams) -> str:
    if not params.has_classes:
        return ""
    equal = sum(bool(image.pixel_hash) for image, _ in intake.dropped)
    grouped = "" if params.group_pattern is None else f", {len(intake.dropped) - equal} whose group is in test too"
    return f", {equal} training images dropped that are test images too{grouped}"


def _staged(file: SourceFile, params: DataParams) -> str:
    return f"{STAGED}/{order_key(params.seed, file.path).hex()}.{params.image_format}"


def _take_all(files: list[SourceFile], folder: Path, params: DataParams) -> Iterator[Taken]:
    return map_ordered(lambda file: _take(file, folder, params), files, total=len(files), label="ingest")


def _take(file: SourceFile, folder: Path, params: DataParams) -> Taken:
    try:
        content = read_source(file, max_bytes=longest_file(params.max_pixels), within=link_limit(params))
        upright = decode_image(content, max_pixels=params.max_pixels)
        image = limit_side(upright, params.max_side)
        if max(image.shape) > MAX_SIDE[f".{params.image_format}"]:
            raise RejectedImage(f"a side of {max(image.shape)} pixels is too long for .{params.image_format}")
    except RejectedImage as error:
        return Taken(file, rejected=str(error))
    with naming(file.file):
        write_image(folder / _staged(file, params), image)
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image))
    return Taken(file, pixel_hash=digest.hexdigest(), size=image.shape[:2], upright=upright.shape[:2])


if __name__ == "__main__":
    run_stage(ingest)
