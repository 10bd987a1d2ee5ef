"""Finds the files of `data.source`, with their class and split, whatever layout the folder has."""

from collections import Counter
from pathlib import Path

from stages.core.errors import PipelineError, shown
from stages.core.params import DataParams
from stages.sources.layouts import find_images, find_photos, refused_file
from stages.sources.listing import name_member
from stages.sources.naming import folded, valid_name
from stages.sources.reading import SourceFile


def find_sources(params: DataParams) -> tuple[list[SourceFile], Counter]:
    """Find all files of the source, and the split where it has one.

    ::

        source/                     source/                     source/
            train/<class>/...           <class>/...                 train/<archive>.tar
            test/<class>/...                                        test/<archive>.tar

    `val` or `validation` is taken as test where there is no `test`, or one without class folders, like ImageNet's;
    without any, the source has no split. With `data.classes: none`, images lie anywhere in the source.
    """
    source = Path(params.source)
    if not source.is_dir():
        raise PipelineError(f"`data.source` must be a folder of images; received: {params.source} (no such folder)")
    find = find_images if params.has_classes else find_photos
    try:
        files, ignored = find(source, link_limit(params))
    except OSError as error:
        file = shown(error.filename)
        raise PipelineError(f"`data.source` must be readable; received: {file} ({error.strerror})") from None
    if params.has_classes:
        _check_classes(files)
    return _refuse_repeated(files), ignored


def link_limit(params: DataParams) -> Path | None:
    """Return the folder that no link may lead out of, or None where links may lead anywhere."""
    return None if params.follow_outside_links else Path(params.source)


def _refuse_repeated(files: list[SourceFile]) -> list[SourceFile]:
    # Files of folders go first, then archives by name, then members as they lie in an archive.
    result, before = [], ""
    for file in sorted(files):
        if file.path == before:
            name = name_member(file.origin.archive, file.member, file.offset)
            reason = "a folder or an archive holds a file of this name already"
            file = refused_file(Path(file.origin.source), file.split, name, reason)
        else:
            before = file.path
        result.append(file)
    return sorted(result)


def _check_classes(files: list[SourceFile]) -> None:
    classes: dict[str, set[str]] = {}
    for file in files:
        if not file.refused:
            classes.setdefault(file.split, set()).add(file.class_name)
    names = sorted(set.union(*classes.values()))
    odd = [name for name in names if any(name not in of_split for of_split in classes.values())]
    if odd:
        raise PipelineError(
            f"train and test must have the same classes; received only in one of them: {shown(', '.join(odd))}"
        )
    written: dict[str, str] = {}
    for name in names:
        other = written.setdefault(folded(valid_name(name)), name)
        if other != name:
            raise PipelineError(
                f"the names of classes must differ in more than case and spelling; "
                f"received: {shown(other)} and {shown(name)}"
            )
    if len(names) < 2:
        raise PipelineError(f"`data.source` must hold at least 2 classes; received: {shown(', '.join(names))}")
