"""Finds the files of `data.source`, with their class and split, whatever layout the folder has."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stages.core.errors import PipelineError, printable
from stages.core.params import DataParams
from stages.core.people import TABLES
from stages.sources.archives import Listed, is_archive, name_member
from stages.sources.files import SourceFile, leads_out, link_limit, refused_file, shared_origin
from stages.sources.listing import list_folder, walk_folder
from stages.sources.masks import MASKS, pair_masks
from stages.sources.names import folded, valid_name
from stages.sources.signatures import is_litter, kind_of_ignored

_TEST_NAMES = ("test", "val", "validation")
Found = tuple[list[SourceFile], Counter]  # and how many of each kind are ignored


def find_sources(params: DataParams) -> Found:
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
    try:
        files, ignored = _find_images(params) if params.has_classes else _files_in(params, "", "")
    except OSError as error:
        file = printable(error.filename)
        raise PipelineError(f"`data.source` must be readable; received: {file} ({error.strerror})") from None
    masks = set(pair_masks(files, params).values())
    files = [file for file in files if file.in_source not in masks]
    if params.has_classes:
        _check_classes(files)
    return _refuse_repeated(files), ignored


def _find_images(params: DataParams) -> Found:
    """Find the images of classes, and their split where the source has one."""
    source, within = Path(params.source), link_limit(params)
    entries = sorted(source.iterdir())
    folders = {entry.name.lower(): entry.name for entry in entries if entry.is_dir()}
    train = folders.get("train")
    tests = [folders[name] for name in _TEST_NAMES if name in folders]
    test = next((folder for folder in tests if _holds_classes(source / folder, within)), tests[0] if tests else None)
    first = train or test
    if first is None:
        files, ignored = _files_in(params, "", "")
        for file in files:
            if file.class_name.lower() in ("train", *_TEST_NAMES):
                raise PipelineError(
                    f"`{printable(source / file.origin.archive)}` must hold class folders; received: "
                    f"`{printable(file.class_name)}`; unpack it"
                )
        return files, ignored
    _refuse_images_alone(source / first, within)
    if train is None:
        raise PipelineError(f"`data.source` must hold `train` beside `{first}`; received: {source} without it")
    files, ignored = _files_in(params, train, "" if test is None else "train")
    if test is not None:
        test_files, test_ignored = _files_in(params, test, "test")
        files, ignored = files + test_files, ignored + test_ignored
    passed = {train, test, *TABLES, *([MASKS] if pair_masks(files, params) else [])}
    for path in (path for entry in entries if entry.name not in passed for path in _below(entry, within)):
        if is_archive(path) and "/" not in path and not is_litter(path):
            files.append(refused_file(source, "", path, f"a tar archive must lie in `{first}`, not beside it"))
        else:
            ignored[kind_of_ignored(path)] += 1
    return files, ignored


def _below(entry: Path, within: Path | None) -> Iterator[str]:
    try:
        if entry.is_dir() and not leads_out(entry, within):
            yield from (f"{entry.name}/{path}" for path in walk_folder(entry, within=within))
        else:
            yield entry.name
    except OSError:
        yield entry.name


def _refuse_link_out(folder: Path, within: Path | None) -> None:
    if leads_out(folder, within):
        raise PipelineError(
            "a folder of `data.source` must not be a link that leads out of it, unless `data.follow_outside_links` is "
            f"true; received: `{printable(folder)}`"
        )


def _holds_classes(folder: Path, within: Path | None) -> bool:
    _refuse_link_out(folder, within)
    return any(not is_litter(entry.name) and (entry.is_dir() or is_archive(entry.name)) for entry in folder.iterdir())


def _refuse_images_alone(folder: Path, within: Path | None) -> None:
    # A folder that holds images itself may be a class of that name.
    if not _holds_classes(folder, within) and any(not is_litter(entry.name) for entry in folder.iterdir()):
        name = printable(folder.name)
        raise PipelineError(
            f"`{printable(folder)}` must hold class folders; received: files alone; if `{name}` is a class, put all "
            f"classes into folders train and test above them: train/{name}/..., test/{name}/..."
        )


def _files_in(params: DataParams, name: str, split: str) -> Found:
    """Find the files of classes in a folder, or those at any depth."""
    source, folder = Path(params.source), Path(params.source, name)
    _refuse_link_out(folder, link_limit(params))
    files, refused, ignored = [], [], Counter[str]()
    for file in list_folder(params, name):
        below = _below_split(file, name) if params.has_classes else f"/{file.place}"
        if file.refused:
            refused.append(refused_file(source, split, file.place, file.refused))
        elif file.place in TABLES and not file.archive and (source / file.place).is_file():
            continue
        elif file.is_ignored or not (below or file.archive):
            ignored[kind_of_ignored(file.place)] += 1
        elif below:
            origin = shared_origin(str(source), name, file.archive, file.stamp)
            files.append(SourceFile(f"{split}/{below}", origin, file.offset, file.size))
        else:
            why = "the member lies in no class folder, and has no .cls beside it"
            if file.label is not None:
                why = "the .cls beside the member holds no class, or there are two that differ"
            refused.append(refused_file(source, split, file.as_member, why))
    if not params.has_classes:
        if not files and not refused:
            raise PipelineError(f"`data.source` must hold images; received: none in `{printable(source)}`")
        return files + refused, ignored
    _refuse_empty_classes(folder, {file.class_name for file in files}, link_limit(params))
    if not files:
        first = "".join(
            f"; the first rejected file is `{printable(file.name)}` ({file.refused})" for file in refused[:1]
        )
        raise PipelineError(
            f"`data.source` must hold folders of images, one a class; received: none in `{printable(folder)}`"
            f"{first}; with `data.classes: none`, images without classes are anonymized, and "
            "nothing is learned from them"
        )
    return files + refused, ignored


def _below_split(file: Listed, folder: str) -> str:
    # <class>/<path below the class>, or an empty text where there is no class.
    if file.refused or file.is_ignored:
        return ""
    below = file.place[len(folder) :].removeprefix("/")
    if "/" in below:
        return below
    return f"{file.label}/{below}" if file.label else ""


def _refuse_empty_classes(folder: Path, classes: set[str], within: Path | None) -> None:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not is_litter(entry.name) and entry.name not in classes:
            _refuse_link_out(entry, within)
            next(entry.iterdir(), None)  # raises the reason if it may not be listed
            raise PipelineError(f"every class folder must hold images; received: none in `{printable(entry)}`")


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
            f"train and test must have the same classes; received only in one of them: {printable(', '.join(odd))}"
        )
    written: dict[str, str] = {}
    for name in names:
        alike = written.setdefault(folded(valid_name(name)), name)
        if alike != name:
            raise PipelineError(
                "the names of classes must differ in more than case and spelling; "
                f"received: {printable(alike)} and {printable(name)}"
            )
    if len(names) < 2:
        raise PipelineError(f"`data.source` must hold at least 2 classes; received: {printable(', '.join(names))}")
