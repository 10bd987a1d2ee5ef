"""What became of each file of the source: which are decoded, kept, rejected or dropped, and the report of it."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from stages.core.duplicates import near_duplicates
from stages.core.errors import PipelineError, printable
from stages.core.images import SPLITS
from stages.core.params import DataParams
from stages.sources.files import SourceFile
from stages.sources.splitting import Drawn, check_split, draw_split, find_groups


class Outcome(NamedTuple):
    """What became of a file of the source: its written path and pixels' hash, or the reason why it was rejected."""

    source: SourceFile
    path: str = ""  # empty until the split is known
    pixel_hash: bytes = b""  # SHA-256; empty where the file was rejected, or never decoded
    size: tuple[int, int] = (0, 0)  # height and width
    rejected: str = ""
    upright: tuple[int, int] = (0, 0)  # height and width before `data.max_side`
    notes: dict[str, int] = {}  # what its owner should know of it, by a key of `decoding.NOTES`
    look: bytes = b""  # a small copy, to find near-duplicates by
    key: str = ""  # of its file's bytes and of how it was decoded; empty where it could not be read
    # File, offset and size in bytes, and digest of the encoded image, if it was made.
    staged: tuple[str, int, int, bytes] | None = None

    @property
    def relation(self) -> str:
        """How a dropped training image relates to the test image that caused this."""
        return "equals" if self.pixel_hash else "same group as"


class Outcomes(NamedTuple):
    """What became of all files of the source."""

    kept: list[Outcome]
    rejected: list[Outcome]
    dropped: list[tuple[Outcome, str]]  # training images, each with the path of a test image of its pixels or group
    ignored: Counter  # of each kind

    def renamed(self, paths: dict[str, str]) -> "Outcomes":
        """Return them with new paths of the images that are kept."""
        return self._replace(
            kept=[image._replace(path=paths[image.path]) for image in self.kept],
            dropped=[(image, paths[test]) for image, test in self.dropped],
        )


def decode_wanted(
    files: list[SourceFile], params: DataParams, decode: Callable[[list[SourceFile]], Iterable[Outcome]]
) -> tuple[dict[str, Outcome], Drawn]:
    """Decode files and decide their split, so that broken files use up no places in it.

    Only files that the draw wants are decoded: all of them, or at most `data.max_per_class` of each class and split,
    but no training file whose group is in the source's own test. If some are broken, the draw is repeated
    without them, until all wanted files are whole; each further round decodes as many spare files as were broken.
    Under `data.max_per_class`, files that were not decoded count as whole when the split is drawn.
    """
    results: dict[str, Outcome] = {}
    refused = {file.path: Outcome(file, rejected=file.refused) for file in files if file.refused}
    files = [file for file in files if not file.refused]
    whole, broken = files, Counter[str]()
    sizes: dict[tuple[int, int], tuple[int, int]] = {}  # shared, as there may be a million images, of few sizes
    drawn = draw_split(files, params)
    check_split(files, drawn, params)
    while missing := drawn.splits.keys() - results.keys():
        wanted = missing | draw_split(whole, params, broken).splits.keys() if broken else missing
        for image in decode([file for file in files if file.path in wanted and file.path not in results]):
            size, upright = (sizes.setdefault(size, size) for size in (image.size, image.upright))
            results[image.source.path] = image._replace(size=size, upright=upright)
        broken = Counter(image.source.class_name for image in results.values() if image.rejected)
        if broken:
            whole = [file for file in files if file.path not in results or not results[file.path].rejected]
            drawn = draw_split(whole, params)
    return results | refused, drawn


def sort_out(
    files: list[SourceFile], results: dict[str, Outcome], drawn: Drawn, names: dict[str, str], ignored: Counter
) -> Outcomes:
    """Separate images to keep from rejected files, and from training images whose pixels or group are in test too."""

    def name_of(file: SourceFile) -> str:
        return names[drawn.place(file).path]

    decoded = [results[file.path]._replace(path=name_of(file)) for file in files if file.path in drawn.splits]
    of_split: dict[str, list[Outcome]] = {"train": [], "test": [], "": []}
    for image in decoded:
        of_split[drawn.splits[image.source.path]].append(image)
    tested = {image.pixel_hash: image.path for image in reversed(of_split["test"])}
    leaked = [image for image in of_split["train"] if image.pixel_hash in tested]
    left_out = {image.path for image in leaked}
    straddling = [file for file in files if file.path in drawn.straddling]
    return Outcomes(
        [image for image in decoded if image.path not in left_out],
        [results[file.path] for file in files if file.path in results and results[file.path].rejected],
        [(image, tested[image.pixel_hash]) for image in leaked]
        + [(Outcome(file, file.path), name_of(drawn.straddling[file.path])) for file in straddling],
        ignored,
    )


def make_report(outcomes: Outcomes, params: DataParams) -> dict:
    """Count what became of the files, by name unless images are renamed."""

    def name(**names: str) -> dict[str, str]:
        return {} if params.rename else {key: text for key, text in names.items() if text}

    def file_name(file: SourceFile) -> dict[str, str]:
        return name(file=file.in_source, archive=file.origin.archive)

    kept = outcomes.kept
    sides = {"height": [image.size[0] for image in kept], "width": [image.size[1] for image in kept]}
    report = {
        "images": _count_by_class(kept) if params.has_classes else len(kept),
        "size": {
            side: {"min": min(values), "median": median(values), "max": max(values)}
            for side, values in sides.items()
            if values
        },
        "rejected": [file_name(image.source) | {"reason": image.rejected} for image in outcomes.rejected],
        "notes": [file_name(image.source) | image.notes for image in kept if image.notes],
        "dropped_from_train": [
            name(image=image.path) | {image.relation.replace(" ", "_"): test} for image, test in outcomes.dropped
        ],
        "ignored_files": dict(sorted(outcomes.ignored.items())),
    }
    groups = near_duplicates([image.look for image in kept if image.look])
    sizes = Counter(groups.tolist())
    report["near_duplicates"] = sum(count for count in sizes.values() if count > 1)
    report["groups_of_near_duplicates"] = sum(count > 1 for count in sizes.values())
    if params.has_classes and params.group_pattern is not None:
        report["images_without_group"] = len(kept) - len(find_groups([image.source for image in kept], params))
    return report


def _count_by_class(kept: list[Outcome]) -> dict[str, dict[str, int]]:
    counts = Counter(tuple(image.path.split("/", 2)[:2]) for image in kept)
    return {split: {name: counts[split, name] for owner, name in sorted(counts) if owner == split} for split in SPLITS}


def check_rejected(outcomes: Outcomes, count: int, params: DataParams, report: Path) -> None:
    """Refuse a source if too many of its files were rejected."""
    if len(outcomes.rejected) / count > params.max_rejected:
        raise PipelineError(
            f"`data.max_rejected` allows {params.max_rejected:g} of the {count} files to be rejected; received: "
            f"{_rejected(outcomes)}; {_place_of_all(params, report)}"
        )


def check_images(files: list[SourceFile], outcomes: Outcomes, params: DataParams, report: Path) -> None:
    """Refuse a source without images, or with a class that has none in train or test."""
    if not params.has_classes and not outcomes.kept:
        raise PipelineError(f"`data.source` must hold images that can be read; received: {_rejected(outcomes)}")
    written = {(image.path.split("/", 1)[0], image.source.class_name) for image in outcomes.kept}
    for split in SPLITS if params.has_classes else ():
        for name in sorted({file.class_name for file in files if not file.refused}):
            if (split, name) not in written:
                fates = [(image.source, image.rejected) for image in outcomes.rejected]
                fates += [(image.source, f"{image.relation} {test}") for image, test in outcomes.dropped]
                of_class = (f"`{printable(file.name)}` ({why})" for file, why in fates if file.class_name == name)
                raise PipelineError(
                    f"every class must have {split} images; received: none in `{printable(name)}`, as its files were "
                    f"rejected or dropped, the first is {next(of_class, None)}; {_place_of_all(params, report)}"
                )


def _rejected(outcomes: Outcomes) -> str:
    first = outcomes.rejected[0]
    return f"{len(outcomes.rejected)} rejected, the first is `{printable(first.source.name)}` ({first.rejected})"


def _place_of_all(params: DataParams, report: Path) -> str:
    return f"with `data.rename: false`, {report} lists all" if params.rename else f"all are in {report}"
