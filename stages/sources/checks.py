"""Refuses a source that leaves too few images, and says why they are missing."""

from pathlib import Path

from stages.core.errors import PipelineError, shown
from stages.core.images import SPLITS
from stages.core.params import DataParams
from stages.sources.intake import Intake
from stages.sources.reading import SourceFile
from stages.sources.splitting import why_not_split


def check_rejected(intake: Intake, total: int, params: DataParams, report: Path) -> None:
    """Refuse a source of which too many files were rejected."""
    if len(intake.rejected) / total > params.max_rejected:
        first = intake.rejected[0]
        listed = f"with `data.rename: false`, {report} lists all" if params.rename else f"all are in {report}"
        raise PipelineError(
            f"`data.max_rejected` allows {params.max_rejected:g} of the {total} files to be rejected; received: "
            f"{len(intake.rejected)}, the first is `{shown(first.source.name)}` ({first.rejected}); {listed}"
        )


def check_images(files: list[SourceFile], intake: Intake, params: DataParams) -> None:
    """Refuse a source without images, or with a class that has none in train or test."""
    if not params.has_classes:
        if not intake.kept:
            first = intake.rejected[0]
            raise PipelineError(
                f"`data.source` must hold images that can be read; received: {len(intake.rejected)} rejected files, "
                f"the first is `{shown(first.source.name)}` ({first.rejected})"
            )
        return
    written = {(image.path.split("/", 1)[0], image.source.class_name) for image in intake.kept}
    for split in SPLITS:
        for name in sorted({file.class_name for file in files if not file.refused}):
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
            text += f"; {len(fates)} of its files {what}, the first is `{shown(image.source.name)}` ({reason})"
    return text
