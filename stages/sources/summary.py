"""What the last lines of `ingest` say, in counts alone: names of files may be names of people."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stages.core.params import DataParams
from stages.core.paths import INGEST_REPORT
from stages.core.people import GROUPS, IDENTITIES
from stages.sources.decoding import NOTES
from stages.sources.masks import MASKS
from stages.sources.outcomes import Outcomes


def counts_of(outcomes: Outcomes, params: DataParams, *, known: int, unchanged: str) -> str:
    """Return what the first line counts: known people, files that gave no image, images of the last run."""
    people = f", {known} of known people" if params.has_classes else ""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(outcomes.ignored.items()))
    ignored = f"{outcomes.ignored.total()} ignored" + (f" ({kinds})" if kinds else "")
    text = f"{people}, {len(outcomes.rejected)} files rejected, {ignored}{unchanged}"
    if not params.has_classes:
        return text
    equal = sum(bool(image.pixel_hash) for image, _ in outcomes.dropped)
    grouped = "" if params.group_pattern is None else f", {len(outcomes.dropped) - equal} whose group is in test too"
    return f"{text}, {equal} training images dropped that are test images too{grouped}"


def lines_about(outcomes: Outcomes, report: dict, params: DataParams) -> Iterator[str]:
    """Return one line for each thing that the owner of the source should know."""
    counts = Counter(note for image in outcomes.kept for note in image.notes)
    for note in sorted(counts):
        yield f"{counts[note]} files {NOTES[note]}; {INGEST_REPORT} lists them under `{note}`"
    if count := report["near_duplicates"]:
        split = ", or keep each in one split with `data.group_pattern`" if params.has_classes else ""
        yield (
            f"{count} images ({count / len(outcomes.kept):.1%}) are near-duplicates of others, in "
            f"{report['groups_of_near_duplicates']} groups, such as frames of a burst: noise that protects one image "
            f"wears off over many; keep one image a group{split}"
        )
    if not params.has_classes:
        yield (
            "training and attacks are left out, as `data.classes: none` gives no classes to learn; "
            "`dvc repro anonymize` is the whole pipeline"
        )
        if unread := [name for name in (IDENTITIES, GROUPS) if Path(params.source, name).is_file()]:
            yield f"{' and '.join(unread)} not read, as without classes nothing uses them"
    elif without_image := report["known_people_without_image"]:
        yield f"{without_image} files whose person is known gave no image: hidden, left out, rejected or dropped"
    if params.has_classes and (named := report["paths_that_name_people"]):
        where, way_out = "paths", "`data.rename: true` writes numbers instead"
        if params.rename:
            where, way_out = "class folders", "`data.rename` keeps the names of classes"
        yield (
            f"the {where} of {named} images name the person in them, and would be published with data/<variant>/; "
            f"{way_out}"
        )
    no_image, twice = report["boxes_without_image"], report["boxes_given_twice"]
    left_out = f"; left out: {no_image} whose file gave no image, {twice} given twice" if no_image or twice else ""
    if report["boxes"] or left_out:
        sides = ""
        if report["boxes"]:
            sides = f", median side {report['box_side']:.0f} pixels, {report['box_side_share']:.1%} of the image's"
        yield f"{report['boxes']} boxes in {report['images_with_boxes']} images{sides}{left_out}"
    if in_masks := sum(image.source.in_source.startswith(f"{MASKS}/") for image in outcomes.kept):
        yield f"{in_masks} images are of the folder {MASKS}, in which no silhouette has the path of an image"
    if "silhouettes" in report:
        yield (
            f"{report['silhouettes']} silhouettes, {report['boxes_around_silhouettes']} boxes around what no box held "
            f"of them; left out: {report['silhouettes_without_image']} whose file gave no image"
        )
