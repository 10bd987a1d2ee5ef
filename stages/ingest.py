"""Takes the images of `data.source` into `data/raw/{train,test}/<class>/` as upright 8-bit RGB without metadata.

Writes counts, sizes, rejected files and leakage to `metrics/ingest.json`, so that nothing is skipped in silence, and
who is in which image, where that is known, to `data/identities.csv`.
"""

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np

from stages.core.decoding import RejectedImage, decode_image, longest_file
from stages.core.draws import order_key
from stages.core.errors import PipelineError, naming, run_stage, shown
from stages.core.executor import finish, map_ordered
from stages.core.identify import identify_sources
from stages.core.images import MAX_SIDE, SPLITS, class_of, new_folder, resize_image, write_file, write_image
from stages.core.intake import Taken, make_report, sort_out
from stages.core.naming import output_names
from stages.core.params import DataParams, load_params
from stages.core.people import write_people
from stages.core.renaming import KEY, neutral_paths, rename, unnamed_paths, write_key
from stages.core.sources import SourceFile, find_sources, link_limit, read_source

RAW_FOLDER = Path("data/raw")
REPORT = Path("metrics/ingest.json")


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
    """Take all images of `data.source` in, or stop with the reason why not.

    Raises
    ------
    PipelineError
        If the source is missing, empty or not laid out as data set, if more than `data.max_rejected` of its files
        cannot be read, or if a class is left without images.
    """
    params = load_params().data
    files, ignored = find_sources(params)
    people = identify_sources(files, params)
    suffix = f".{params.image_format}"
    if params.rename:
        # Not in the order of names, which the times of writing would tell.
        files.sort(key=lambda file: order_key(params.seed, file.path))
        names = unnamed_paths(files, suffix)
    else:
        names = output_names([file.path for file in files], suffix)
    max_bytes, within = longest_file(params.max_pixels), link_limit(params)
    with new_folder(RAW_FOLDER) as folder:

        def take(file: SourceFile) -> Taken:
            path = names[file.path]
            try:
                content = read_source(file, max_bytes=max_bytes, within=within)
                image = decode_image(content, max_pixels=params.max_pixels)
                image = limit_side(image, params.max_side)
                if max(image.shape) > MAX_SIDE[suffix]:
                    raise RejectedImage(f"a side of {max(image.shape)} pixels is too long for {suffix}")
            except RejectedImage as error:
                return Taken(file, path, rejected=str(error))
            with naming(file.file):
                write_image(folder / path, image)
            digest = hashlib.sha256(repr(image.shape).encode())
            digest.update(np.ascontiguousarray(image))
            return Taken(file, path, digest.hexdigest(), image.shape[:2])

        with warnings.catch_warnings():
            # Pillow warns of broken metadata, which we drop. Filters belong to all threads, so they are set here.
            warnings.simplefilter("ignore")
            results = list(map_ordered(take, files, total=len(files), label="ingest"))
        intake = sort_out(results, ignored)
        for image, _ in intake.dropped:
            (folder / image.path).unlink()
        if params.rename:
            paths = neutral_paths(intake.kept, params.seed)
            for old, new in paths.items():
                (folder / old).rename(folder / new)
            intake = rename(intake, paths)
            write_key(intake, Path(params.source))
        report = make_report(intake, Path(params.source), with_names=not params.rename)
        write_file(REPORT, (json.dumps(report, indent=2, ensure_ascii=True) + "\n").encode())
        _check_rejected(intake.rejected, len(results), params)
        _check_classes(intake.kept, names)
        known = {image.path: people[image.source.path] for image in intake.kept if image.source.path in people}
        write_people(known, params.seed)
    finish(
        f"ingest: {len(intake.kept)} images into {RAW_FOLDER}/, {len(known)} of known people, {len(intake.rejected)} "
        f"files rejected, {ignored} ignored, {len(intake.dropped)} training images dropped that are test images too; "
        f"see {REPORT}"
    )


def _check_rejected(rejected: list[Taken], total: int, params: DataParams) -> None:
    if len(rejected) / total > params.max_rejected:
        first, listed = rejected[0], KEY if params.rename else REPORT
        raise PipelineError(
            f"`data.max_rejected` allows {params.max_rejected:g} of the {total} files to be unreadable; received: "
            f"{len(rejected)}, the first is `{shown(first.source.file)}` ({first.rejected}); all are in {listed}"
        )


def _check_classes(kept: list[Taken], names: dict[str, str]) -> None:
    split_and_class = {tuple(image.path.split("/", 2)[:2]) for image in kept}
    for split in SPLITS:
        for name in sorted({class_of(path.split("/", 1)[1]) for path in names.values()}):
            if (split, name) not in split_and_class:
                raise PipelineError(
                    f"every class must have readable {split} images of its own; received: none for `{name}`"
                )


if __name__ == "__main__":
    run_stage(ingest)
