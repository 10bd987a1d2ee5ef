"""Keeps track of what becomes of each file of the source, and reports it."""

from collections import Counter
from collections.abc import Callable, Iterable
from statistics import median
from typing import NamedTuple

from stages.core.images import SPLITS
from stages.core.params import DataParams
from stages.sources.reading import SourceFile
from stages.sources.splitting import Drawn, check_split, draw_split, find_groups


class Taken(NamedTuple):
    """What became of one source file: its written path and pixels' hash, or the reason why it was rejected."""

    source: SourceFile
    path: str = ""  # empty until the split is known
    pixel_hash: bytes = b""  # SHA-256; empty where the file was rejected, or never decoded
    size: tuple[int, int] = (0, 0)
    rejected: str = ""
    upright: tuple[int, int] = (0, 0)  # height and width before `data.max_side`
    notes: dict[str, int] = {}  # what its owner should know of it, by a key of `decoding.NOTES`
    key: str = ""  # of its file's bytes and of how it was taken in; empty where it could not be read
    # File, offset and size in bytes, and digest of the encoded image, if it was made.
    staged: tuple[str, int, int, bytes] | None = None

    @property
    def relation(self) -> str:
        """How a dropped training image relates to the test image because of which it was dropped."""
        return "equals" if self.pixel_hash else "same group as"


class Intake(NamedTuple):
    """What became of all files of the source."""

    kept: list[Taken]
    rejected: list[Taken]
    dropped: list[tuple[Taken, str]]  # training images, each with the path of a test image of its pixels or group
    ignored: Counter  # of each kind


def take_in(
    files: list[SourceFile], params: DataParams, take: Callable[[list[SourceFile]], Iterable[Taken]]
) -> tuple[dict[str, Taken], Drawn]:
    """Decode files and decide their split, so that broken files use up no places in it.

    Only files that the draw wants are decoded: all of them, or with `data.max_per_class` so many of each class and
    split, but no training file whose group is in the source's own test. If some are broken, the draw is repeated
    without them, until all wanted files are whole; each further round decodes as many spare files as were broken.
    Under `data.max_per_class`, files that nobody decoded count as whole when the split is drawn.
    """
    results: dict[str, Taken] = {}
    refused = {file.path: Taken(file, rejected=file.refused) for file in files if file.refused}
    files = [file for file in files if not file.refused]
    whole, broken = files, Counter[str]()
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    drawn = draw_split(files, params)
    check_split(files, drawn, params)
    while missing := drawn.splits.keys() - results.keys():
        wanted = missing | draw_split(whole, params, broken).splits.keys() if broken else missing
        new = [file for file in files if file.path in wanted and file.path not in results]
        results |= {image.source.path: _slim(image, sizes) for image in take(new)}
        broken = Counter(image.source.class_name for image in results.values() if image.rejected)
        if broken:
            whole = [file for file in files if file.path not in results or not results[file.path].rejected]
            drawn = draw_split(whole, params)
    return results | refused, drawn


def _slim(image: Taken, sizes: dict[tuple[int, int], tuple[int, int]]) -> Taken:
    # There may be a million, of few sizes.
    size, upright = (sizes.setdefault(size, size) for size in (image.size, image.upright))
    return image._replace(size=size, upright=upright)


def sort_out(
    files: list[SourceFile], results: dict[str, Taken], drawn: Drawn, names: dict[str, str], ignored: Counter
) -> Intake:
    """Separate images to keep from rejected files, and from training images whose pixels or group are in test too."""

    def name_of(file: SourceFile) -> str:
        return names[drawn.place(file).path]

    taken = [results[file.path]._replace(path=name_of(file)) for file in files if file.path in drawn.splits]
    of_split: dict[str, list[Taken]] = {"train": [], "test": [], "": []}
    for image in taken:
        of_split[drawn.splits[image.source.path]].append(image)
    tested = {image.pixel_hash: image.path for image in reversed(of_split["test"])}
    leaked = [image for image in of_split["train"] if image.pixel_hash in tested]
    left_out = {image.path for image in leaked}
    straddling = [file for file in files if file.path in drawn.straddling]
    return Intake(
        [image for image in taken if image.path not in left_out],
        [results[file.path] for file in files if file.path in results and results[file.path].rejected],
        [(image, tested[image.pixel_hash]) for image in leaked]
        + [(Taken(file, file.path), name_of(drawn.straddling[file.path])) for file in straddling],
        ignored,
    )


def make_report(intake: Intake, params: DataParams, *, with_names: bool) -> dict:
    """Count what was taken in."""
    sides = {"height": [image.size[0] for image in intake.kept], "width": [image.size[1] for image in intake.kept]}
    report = {
        "images": _count_by_class(intake.kept) if params.has_classes else len(intake.kept),
        "size": {
            side: {"min": min(values), "median": median(values), "max": max(values)}
            for side, values in sides.items()
            if values
        },
        "rejected": [
            (_name(image.source) if with_names else {}) | {"reason": image.rejected} for image in intake.rejected
        ],
        "notes": [(_name(image.source) if with_names else {}) | image.notes for image in intake.kept if image.notes],
        "dropped_from_train": [
            ({"image": image.path} if with_names else {}) | {image.relation.replace(" ", "_"): other}
            for image, other in intake.dropped
        ],
        "ignored_files": dict(sorted(intake.ignored.items())),
    }
    if params.has_classes and params.group_pattern is not None:
        grouped = find_groups([image.source for image in intake.kept], params)
        report["images_without_group"] = len(intake.kept) - len(grouped)
    return report


def _name(file: SourceFile) -> dict[str, str]:
    archive = file.origin.archive
    return {"file": file.in_source} | ({"archive": archive} if archive else {})


def _count_by_class(kept: list[Taken]) -> dict[str, dict[str, int]]:
    counts = Counter(tuple(image.path.split("/", 2)[:2]) for image in kept)
    return {split: {name: counts[split, name] for owner, name in sorted(counts) if owner == split} for split in SPLITS}
