"""Finds the files of `data.source`, their split and class, whatever layout the folder has."""

import hashlib
import itertools
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stages.core.decoding import RejectedImage
from stages.core.draws import order_key
from stages.core.errors import PipelineError
from stages.core.images import class_of
from stages.core.params import DataParams
from stages.core.people import IDENTITIES

_NAME_BYTES = 255  # the longest name on common file systems
_TEST_NAMES = ("test", "val", "validation")


class SourceFile(NamedTuple):
    """A file of the source."""

    path: str  # <split>/<class>/..., as it is to be in the data set but for the suffix
    file: Path


def find_sources(params: DataParams) -> tuple[list[SourceFile], int]:
    """Find all files of the source and decide their split.

    ::

        source/                     source/
            train/<class>/...           <class>/...
            test/<class>/...

    `val` or `validation` is taken as test where there is no `test`; without either, and without `train`, each class
    is split by `data.test_fraction`.

    Parameters
    ----------
    params : DataParams
        The source, and how to split and thin it.

    Returns
    -------
    files : list of SourceFile
        Sorted by path. Folders below a class and symbolic links are followed.
    ignored : int
        How many files lie outside any class, or are hidden.

    Raises
    ------
    PipelineError
        If there is no such folder, or it holds no classes with images.
    """
    source = Path(params.source)
    if not source.is_dir():
        raise PipelineError(f"`data.source` must be a folder of images; received: {params.source} (no such folder)")
    try:
        files, ignored = _find_files(source, params)
    except OSError as error:
        raise PipelineError(f"`data.source` must be readable; received: {error.filename} ({error.strerror})") from None
    _check_classes(files, params)
    return sorted(_thin(files, params)), ignored


def read_source(source: SourceFile) -> bytes:
    """Read a file of the source.

    Raises
    ------
    RejectedImage
        If it is no regular file or may not be read.
    """
    try:
        mode = source.file.stat().st_mode
        if stat.S_ISDIR(mode):
            raise RejectedImage("the folder was taken already, or a link in it leads to a folder above")
        if not stat.S_ISREG(mode):
            raise RejectedImage("not a regular file")
        return source.file.read_bytes()
    except OSError as error:
        raise RejectedImage(f"the file cannot be read ({error.strerror})") from None


def output_names(paths: list[str], suffix: str) -> dict[str, str]:
    """Name the written images: the source's name with a new suffix.

    Where two names would be the same, on any file system, or a file would be named like a folder, the old suffix stays
    in the name. What is not UTF-8 is spelt out, and what is longer than a file name may be is cut.

    Parameters
    ----------
    paths : list of str
        Paths of source files.
    suffix : str
        Suffix of the written images.

    Returns
    -------
    dict of str to str
        A different path for each.

    Examples
    --------
    >>> output_names(["a/x.jpg", "a/y.jpg", "a/y.tif"], ".png")
    {'a/x.jpg': 'a/x.png', 'a/y.jpg': 'a/y.jpg.png', 'a/y.tif': 'a/y.tif.png'}
    """
    short = {path: _valid(str(PurePosixPath(path).with_suffix(suffix)), suffix) for path in paths}
    uses = Counter(_folded(name) for name in short.values())
    parents = {PurePosixPath(name).parent for name in short.values()}
    folders = {_folded(str(folder)) for parent in parents for folder in (parent, *parent.parents)}
    taken = folders | {name for name, count in uses.items() if count == 1}
    names = {}
    for path, name in short.items():
        if uses[_folded(name)] > 1 or _folded(name) in folders:
            tags = itertools.chain([""], (f".{number}" for number in itertools.count(2)))
            name = next(long for tag in tags if _folded(long := _valid(path + tag + suffix, suffix)) not in taken)
        taken.add(_folded(name))
        names[path] = name
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _valid(path: str, suffix: str) -> str:
    return "/".join(_valid_name(name, suffix if name.endswith(suffix) else "") for name in path.split("/"))


def _valid_name(name: str, suffix: str) -> str:
    # Bytes that are not UTF-8 cannot go into the JSON files that DVC writes.
    encoded = name.encode("utf-8", "backslashreplace").replace(b"\\", b"_")
    if len(encoded) > _NAME_BYTES:
        ending = f"_{hashlib.sha256(encoded).hexdigest()[:16]}{suffix}".encode()
        encoded = encoded[: _NAME_BYTES - len(ending)] + ending
    return encoded.decode("utf-8", "ignore")


def _find_files(source: Path, params: DataParams) -> tuple[list[SourceFile], int]:
    entries = sorted(source.iterdir())
    folders = {entry.name.lower(): entry for entry in entries if entry.is_dir()}
    train = folders.get("train")
    test = next((folders[name] for name in _TEST_NAMES if name in folders), None)
    if train is None and test is None:
        files, ignored = _class_files(source)
        return _split(files, ignored - (source / IDENTITIES).is_file(), params)
    if train is None:
        raise PipelineError(
            f"`data.source` must hold `train` beside `{test.name}`; received: {params.source} without it"
        )
    files, ignored = _class_files(train)
    if test is None:
        files, ignored = _split(files, ignored, params)
    else:
        others, others_ignored = _class_files(test)
        files = [SourceFile(f"train/{file.path}", file.file) for file in files]
        files += [SourceFile(f"test/{file.path}", file.file) for file in others]
        ignored += others_ignored
    outside = [entry for entry in entries if entry not in (train, test, source / IDENTITIES)]
    return files, ignored + sum(len(list(_walk(entry))) if entry.is_dir() else 1 for entry in outside)


def _class_files(folder: Path) -> tuple[list[SourceFile], int]:
    paths = list(_walk(folder))
    files = [SourceFile(path, folder / path) for path in paths if "/" in path and not _is_hidden(path)]
    classes = {class_of(file.path) for file in files}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not _is_hidden(entry.name) and entry.name not in classes:
            raise PipelineError(f"every class folder must hold images; received: none in `{entry}`")
    if not files:
        raise PipelineError(f"`data.source` must hold folders of images, one a class; received: none in `{folder}`")
    return files, len(paths) - len(files)


def _is_hidden(path: str) -> bool:
    return path.startswith(".") or "/." in path or path.endswith("/Thumbs.db")


def _walk(folder: Path, above: tuple[str, ...] = (), seen: set[str] | None = None) -> Iterator[str]:
    seen = set() if seen is None else seen
    above = (*above, os.path.realpath(folder))
    seen.add(above[-1])
    for entry in sorted(folder.iterdir()):
        real = os.path.realpath(entry) if os.path.isdir(entry) else None  # noqa: PTH112, where a link is unreadable
        # A folder that was seen, or that holds this one, is not entered, but kept as a file, to be rejected.
        if real is None or real in seen or any(Path(real) in Path(folder).parents for folder in above):
            yield entry.name
        else:
            yield from (f"{entry.name}/{path}" for path in _walk(entry, above, seen))


def _split(files: list[SourceFile], ignored: int, params: DataParams) -> tuple[list[SourceFile], int]:
    result = []
    by_class: dict[str, list[SourceFile]] = {}
    for file in sorted(files, key=lambda file: order_key(params.seed, file.path)):
        by_class.setdefault(class_of(file.path), []).append(file)
    for name, members in by_class.items():
        if len(members) < 2:
            raise PipelineError(f"a class must have at least 2 images to be split; received: 1 in `{name}`")
        held_out = min(max(1, round(params.test_fraction * len(members))), len(members) - 1)
        result += [
            SourceFile(f"{'test' if index < held_out else 'train'}/{file.path}", file.file)
            for index, file in enumerate(members)
        ]
    return result, ignored


def _check_classes(files: list[SourceFile], params: DataParams) -> None:
    classes = {
        split: {class_of(file.path.split("/", 1)[1]) for file in files if file.path.startswith(split)}
        for split in ("train", "test")
    }
    if classes["train"] != classes["test"]:
        odd = sorted(classes["train"] ^ classes["test"])
        raise PipelineError(
            f"train and test must have the same classes; received only in one of them: {', '.join(odd)}"
        )
    if len(classes["train"]) < 2:
        raise PipelineError(f"`data.source` must hold at least 2 classes; received: {', '.join(classes['train'])}")


def _thin(files: list[SourceFile], params: DataParams) -> list[SourceFile]:
    if params.max_per_class is None:
        return files
    kept: Counter = Counter()
    result = []
    for file in sorted(files, key=lambda file: order_key(params.seed, file.path)):
        group = tuple(file.path.split("/", 2)[:2])
        if kept[group] < params.max_per_class:
            kept[group] += 1
            result.append(file)
    return result
