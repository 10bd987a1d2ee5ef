"""Finds and reads the files of `data.source`, with their class and split, whatever layout the folder has."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from stages.core.errors import PipelineError, shown
from stages.core.params import DataParams
from stages.core.people import TABLES
from stages.sources.decoding import RejectedImage
from stages.sources.naming import folded, valid_name
from stages.sources.signatures import HEAD, may_be_image
from stages.sources.walking import LONGEST_PATH, leads_out, walk_folder

_TEST_NAMES = ("test", "val", "validation")


class SourceFile(NamedTuple):
    """A file of the source."""

    path: str  # <split>/<class>/..., split and class empty where the source has none; unique
    file: Path

    @property
    def split(self) -> str:
        """`train` or `test` as the source says, or an empty text."""
        return self.path.split("/", 1)[0]

    @property
    def below_split(self) -> str:
        """``/<class>/<path below the class>``, the same before and after a split, to search for patterns in."""
        return self.path[len(self.split) :]

    @property
    def class_name(self) -> str:
        """The class, as its folder is called in the source."""
        return self.path.split("/", 2)[1]


def find_sources(params: DataParams) -> tuple[list[SourceFile], int]:
    """Find all files of the source, and the split where it has one.

    ::

        source/                     source/
            train/<class>/...           <class>/...
            test/<class>/...

    `val` or `validation` is taken as test where there is no `test`, or one without class folders, like ImageNet's;
    without any, the source has no split. With `data.classes: none`, images lie anywhere in the source.

    Parameters
    ----------
    params : DataParams
        The source, and whether links may lead out of it.

    Returns
    -------
    files : list of SourceFile
        Sorted by path. Folders below a class are searched. Symbolic links are followed if they stay within the source,
        or with `data.follow_outside_links`.
    ignored : int
        How many files lie outside any class where there are classes, are hidden, or are images neither by their name
        nor by their content.

    Raises
    ------
    PipelineError
        If there is no such folder, or it holds no images, or no classes with images.
    """
    source = Path(params.source)
    if not source.is_dir():
        raise PipelineError(f"`data.source` must be a folder of images; received: {params.source} (no such folder)")
    find = _find_files if params.has_classes else _find_photos
    try:
        files, ignored = find(source, params)
    except OSError as error:
        file = shown(error.filename)
        raise PipelineError(f"`data.source` must be readable; received: {file} ({error.strerror})") from None
    if params.has_classes:
        _check_classes(files)
    return sorted(files), ignored


def link_limit(params: DataParams) -> Path | None:
    """Return the folder that no link may lead out of, or None where links may lead anywhere."""
    return None if params.follow_outside_links else Path(params.source)


def read_source(source: SourceFile, *, max_bytes: int, within: Path | None) -> bytes:
    """Read a file of the source.

    Parameters
    ----------
    source : SourceFile
        The file.
    max_bytes : int
        A longer file is refused before it is read.
    within : pathlib.Path or None
        A folder that no link may lead out of; None allows all links.

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    RejectedImage
        If it is no regular file, too long, has too long a path, leads out of `within`, or may not be read; or a folder
        that was not walked.
    """
    if len(os.fsencode(source.path)) > LONGEST_PATH:
        raise RejectedImage(f"the path is longer than {LONGEST_PATH} bytes")
    if within is not None and leads_out(source.file, within):
        raise RejectedImage("the link leads out of data.source (data.follow_outside_links: false)")
    try:
        status = source.file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise RejectedImage(_why_not_walked(source.file))
        if not stat.S_ISREG(status.st_mode):
            raise RejectedImage("not a regular file")
        if status.st_size > max_bytes:
            raise RejectedImage(f"{status.st_size} bytes are more than an image of data.max_pixels has")
        return source.file.read_bytes()
    except OSError as error:
        raise RejectedImage(f"the file cannot be read ({error.strerror})") from None


def _why_not_walked(folder: Path) -> str:
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        return f"the folder cannot be listed ({error.strerror})"
    return "the folder was taken already, or a link in it leads to a folder above"


def _find_photos(source: Path, params: DataParams) -> tuple[list[SourceFile], int]:
    within = link_limit(params)
    paths = [path for path in walk_folder(source, within=within) if path not in TABLES or not (source / path).is_file()]
    files = [SourceFile(f"//{path}", source / path) for path in paths if _may_be_taken(source, path, within)]
    if not files:
        raise PipelineError(f"`data.source` must hold images; received: none in `{shown(source)}`")
    return files, len(paths) - len(files)


def _find_files(source: Path, params: DataParams) -> tuple[list[SourceFile], int]:
    entries = sorted(source.iterdir())
    folders = {entry.name.lower(): entry for entry in entries if entry.is_dir()}
    train = folders.get("train")
    tests = [folders[name] for name in _TEST_NAMES if name in folders]
    within = link_limit(params)
    test = next((folder for folder in tests if _holds_folders(folder, within)), tests[0] if tests else None)
    first = train or test
    if first is None:
        files, ignored = _class_files(source, "", within)
        return files, ignored - sum((source / name).is_file() for name in TABLES)
    _refuse_images_alone(first, within)
    if train is None:
        raise PipelineError(
            f"`data.source` must hold `train` beside `{first.name}`; received: {params.source} without it"
        )
    files, ignored = _class_files(train, "" if test is None else "train", within)
    if test is not None:
        others, others_ignored = _class_files(test, "test", within)
        files, ignored = files + others, ignored + others_ignored
    outside = [entry for entry in entries if entry not in (train, test) and entry.name not in TABLES]
    return files, ignored + sum(_count(entry, within) for entry in outside)


def _count(entry: Path, within: Path | None) -> int:
    try:
        followed = entry.is_dir() and (within is None or not leads_out(entry, within))
        return sum(1 for _ in walk_folder(entry, within=within)) if followed else 1
    except OSError:
        return 1


def _refuse_link_out(folder: Path, within: Path | None) -> None:
    if within is not None and leads_out(folder, within):
        raise PipelineError(
            "a folder of `data.source` must not be a link that leads out of it, unless `data.follow_outside_links` is "
            f"true; received: `{shown(folder)}`"
        )


def _holds_folders(folder: Path, within: Path | None) -> bool:
    _refuse_link_out(folder, within)
    return any(entry.is_dir() and not _is_hidden(entry.name) for entry in folder.iterdir())


def _refuse_images_alone(split: Path, within: Path | None) -> None:
    # A folder that holds images itself may be a class of that name.
    if not _holds_folders(split, within) and any(not _is_hidden(entry.name) for entry in split.iterdir()):
        name = split.name
        raise PipelineError(
            f"`{shown(split)}` must hold class folders; received: files alone; if `{name}` is a class, put all classes "
            f"into folders train and test above them: train/{name}/..., test/{name}/..."
        )


def _class_files(folder: Path, split: str, within: Path | None) -> tuple[list[SourceFile], int]:
    _refuse_link_out(folder, within)
    paths = list(walk_folder(folder, within=within))
    files = [
        SourceFile(f"{split}/{path}", folder / path)
        for path in paths
        if "/" in path and _may_be_taken(folder, path, within)
    ]
    classes = {file.class_name for file in files}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not _is_hidden(entry.name) and entry.name not in classes:
            _refuse_link_out(entry, within)
            next(entry.iterdir(), None)  # raises the reason if it may not be listed
            raise PipelineError(f"every class folder must hold images; received: none in `{shown(entry)}`")
    if not files:
        raise PipelineError(
            f"`data.source` must hold folders of images, one a class; received: none in `{shown(folder)}`; with "
            "`data.classes: none`, images without classes are anonymized, and nothing is learned from them"
        )
    return files, len(paths) - len(files)


def _may_be_taken(folder: Path, path: str, within: Path | None) -> bool:
    return not _is_hidden(path) and not _is_other_file(folder / path, within)


def _is_hidden(path: str) -> bool:
    return path.startswith(".") or "/." in path


def _is_other_file(file: Path, within: Path | None) -> bool:
    # Folders of photos often hold notes and side-car files. A file that cannot be read is none: it is rejected later.
    if may_be_image(file.suffix, b"") or (within is not None and leads_out(file, within)) or not file.is_file():
        return False
    try:
        with file.open("rb") as stream:
            return not may_be_image(file.suffix, stream.read(HEAD))
    except OSError:
        return False


def _check_classes(files: list[SourceFile]) -> None:
    classes: dict[str, set[str]] = {}
    for file in files:
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
