"""What became of each file of the source, and the report of it."""

from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

from stages.core.images import SPLITS
from stages.core.sources import SourceFile


class Taken(NamedTuple):
    """What became of one source file: its written path and pixels' hash, or the reason why it was rejected."""

    source: SourceFile
    path: str
    pixel_hash: str = ""
    size: tuple[int, int] = (0, 0)
    rejected: str = ""


class Intake(NamedTuple):
    """What became of all files of the source."""

    kept: list[Taken]
    rejected: list[Taken]
    dropped: list[tuple[Taken, str]]  # training images, each with the path of a test image of the same pixels
    ignored: int


def sort_out(results: list[Taken], ignored: int) -> Intake:
    """Tell images to be kept from rejected files, and from training images whose pixels are in the test images too.

    Parameters
    ----------
    results : list of Taken
        What became of each file.
    ignored : int
        How many files were not looked at.

    Returns
    -------
    Intake
        Each result once.
    """
    taken = [image for image in results if not image.rejected]
    tested = {image.pixel_hash: image.path for image in reversed(taken) if image.path.startswith("test/")}
    leaked = {image.path for image in taken if image.path.startswith("train/") and image.pixel_hash in tested}
    return Intake(
        [image for image in taken if image.path not in leaked],
        [image for image in results if image.rejected],
        [(image, tested[image.pixel_hash]) for image in taken if image.path in leaked],
        ignored,
    )


def in_source(image: Taken, source: Path) -> str:
    """Return the path of an image's file relative to the source."""
    return image.source.file.relative_to(source).as_posix()


def make_report(intake: Intake, source: Path, *, with_names: bool) -> dict:
    """Count what was taken in.

    Parameters
    ----------
    intake : Intake
        What became of all files.
    source : pathlib.Path
        The source.
    with_names : bool
        Whether files that were not taken in are named.

    Returns
    -------
    dict
        What goes into `metrics/ingest.json`.
    """
    counts = Counter(tuple(image.path.split("/", 2)[:2]) for image in intake.kept)
    sides = {"height": [image.size[0] for image in intake.kept], "width": [image.size[1] for image in intake.kept]}
    return {
        "images": {
            split: {name: counts[split, name] for owner, name in sorted(counts) if owner == split} for split in SPLITS
        },
        "size": {
            side: {"min": min(values), "median": median(values), "max": max(values)}
            for side, values in sides.items()
            if values
        },
        "rejected": [
            ({"file": in_source(image, source)} if with_names else {}) | {"reason": image.rejected}
            for image in intake.rejected
        ],
        "dropped_from_train": [
            ({"image": image.path} if with_names else {}) | {"equals": other} for image, other in intake.dropped
        ],
        "ignored_files": intake.ignored,
    }
