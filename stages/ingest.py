"""Writes the images of `data.source` to `data/raw/{train,test}/<class>/` as upright 8-bit RGB without metadata.

Writes counts, sizes, rejected files and leakage to `metrics/ingest.json`, so that nothing is skipped in silence, and
who is in which image and of what group, where that is known, to `data/identities.csv` and `data/groups.csv`.
"""

import hashlib
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.core.errors import PipelineError, naming, run_stage, shown
from stages.core.files import new_folder, write_file
from stages.core.images import MAX_SIDE, SPLITS, resize_image, write_image
from stages.core.parallel import finish, map_ordered
from stages.core.params import DataParams, load_params
from stages.core.people import write_groups, write_people
from stages.core.secret import load_secret, secret_key
from stages.core.seeding import order_key
from stages.sources.decoding import RejectedImage, decode_image, longest_file
from stages.sources.finding import SourceFile, find_sources, link_limit, read_source
from stages.sources.identify import count_named_paths, find_groups_of_people, identify_sources
from stages.sources.intake import Intake, Taken, in_source, make_report, sort_out, take_in
from stages.sources.key import remove_key, write_key
from stages.sources.naming import output_names
from stages.sources.renaming import neutral_paths, rename, unnamed_paths
from stages.sources.splitting import why_not_split

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
        If the source is missing, empty or in no known layout, if more than `data.max_rejected` of its files
        are rejected, or if a class is left without training or test images.
    """
    params = load_params().data
    remove_key()
    files, ignored = find_sources(params)
    people, by_table = identify_sources(files, params)
    groups = find_groups_of_people(files, params)
    if params.rename:
        secret = load_secret()
        # Not in the order of names, as the times of writing would give that order away.
        files.sort(key=lambda file: secret_key(secret, "order of writing", file.path))
    with new_folder(RAW_FOLDER) as folder:
        with warnings.catch_warnings():
            # Pillow warns of broken metadata, which we drop. Filters belong to all threads, so they are set here.
            warnings.simplefilter("ignore")
            results, drawn = take_in(files, params, lambda some: _take_all(some, folder, params))
        placed = [drawn.place(file) for file in files if file.path in drawn.splits]
        suffix = f".{params.image_format}"
        names = unnamed_paths(placed, suffix) if params.rename else output_names([file.path for file in placed], suffix)
        intake = sort_out(files, results, drawn, names, ignored)
        for image in intake.kept:
            (folder / image.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / _staged(image.source, params)).rename(folder / image.path)
        shutil.rmtree(folder / STAGED, ignore_errors=True)  # there is none where all files were rejected
        if params.rename:
            paths = neutral_paths(intake.kept, secret)
            for old, new in paths.items():
                (folder / old).rename(folder / new)
            intake = rename(intake, paths)
        source = Path(params.source)
        known, grouped = (
            {image.path: told[file] for image in intake.kept if (file := in_source(image, source)) in told}
            for told in (people, groups)
        )
        report = make_report(intake, params, with_names=not params.rename)
        report["known_people_without_image"] = len(people) - len(known)
        report["paths_that_name_people"] = named = count_named_paths(known, by_table=by_table, renamed=params.rename)
        write_file(REPORT, (json.dumps(report, indent=2, ensure_ascii=True) + "\n").encode())
        _check_rejected(intake.rejected, len(results), params)
        _check_classes(files, intake, params)
        write_people(known)
        write_groups(grouped)
    if params.rename:
        write_key(intake, source, RAW_FOLDER)
    finish(
        f"ingest: {len(intake.kept)} images into {RAW_FOLDER}/, {len(known)} of known people, {len(intake.rejected)} "
        f"files rejected, {ignored} ignored, {_dropped(intake, params)}; see {REPORT}"
    )
    _tell_of_people(named, report["known_people_without_image"], renamed=params.rename)


def _tell_of_people(named: int, others: int, *, renamed: bool) -> None:
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


def _dropped(intake: Intake, params: DataParams) -> str:
    equal = sum(bool(image.pixel_hash) for image, _ in intake.dropped)
    grouped = "" if params.group_pattern is None else f", {len(intake.dropped) - equal} whose group is in test too"
    return f"{equal} training images dropped that are test images too{grouped}"


def _staged(file: SourceFile, params: DataParams) -> str:
    return f"{STAGED}/{order_key(params.seed, file.path).hex()}.{params.image_format}"


def _take_all(files: list[SourceFile], folder: Path, params: DataParams) -> Iterator[Taken]:
    return map_ordered(lambda file: _take(file, folder, params), files, total=len(files), label="ingest")


def _take(file: SourceFile, folder: Path, params: DataParams) -> Taken:
    try:
        content = read_source(file, max_bytes=longest_file(params.max_pixels), within=link_limit(params))
        image = limit_side(decode_image(content, max_pixels=params.max_pixels), params.max_side)
        if max(image.shape) > MAX_SIDE[f".{params.image_format}"]:
            raise RejectedImage(f"a side of {max(image.shape)} pixels is too long for .{params.image_format}")
    except RejectedImage as error:
        return Taken(file, rejected=str(error))
    with naming(file.file):
        write_image(folder / _staged(file, params), image)
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image))
    return Taken(file, pixel_hash=digest.hexdigest(), size=image.shape[:2])


def _check_rejected(rejected: list[Taken], total: int, params: DataParams) -> None:
    if len(rejected) / total > params.max_rejected:
        first = rejected[0]
        listed = f"with `data.rename: false`, {REPORT} lists all" if params.rename else f"all are in {REPORT}"
        raise PipelineError(
            f"`data.max_rejected` allows {params.max_rejected:g} of the {total} files to be rejected; received: "
            f"{len(rejected)}, the first is `{shown(first.source.file)}` ({first.rejected}); {listed}"
        )


def _check_classes(files: list[SourceFile], intake: Intake, params: DataParams) -> None:
    written = {(image.path.split("/", 1)[0], image.source.class_name) for image in intake.kept}
    for split in SPLITS:
        for name in sorted({file.class_name for file in files}):
            if (split, name) not in written:
                raise PipelineError(_why_missing(split, name, intake, params))


def _why_missing(split: str, name: str, intake: Intake, params: DataParams) -> str:
    def concerns(file: SourceFile) -> bool:
        return file.class_name == name and file.split in ("", split)

    kept = [image.source for image in intake.kept if concerns(image.source)]
    rejected = [(image, image.rejected) for image in intake.rejected if concerns(image.source)]
    dropped = [(image, f"{image.relation} {other}") for image, other in intake.dropped if concerns(image.source)]
    own = dropped or any(image.source.split for image in intake.kept + intake.rejected)
    text = f"every class must have {split} images; received: none in `{shown(name)}`"
    text = text if own else why_not_split(kept, shown(name), params)
    for what, fates in (("rejected", rejected), ("dropped from train", dropped)):
        for image, reason in fates[:1]:
            text += f"; {len(fates)} of its files {what}, the first is `{shown(image.source.file)}` ({reason})"
    return text


if __name__ == "__main__":
    run_stage(ingest)
