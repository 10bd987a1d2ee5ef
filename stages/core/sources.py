"""Finds the files of `data.source`, their split and class, whatever layout the folder has."""

import itertools
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stages.core.decoding import RejectedImage
from stages.core.draws import order_key
from stages.core.errors import PipelineError
from stages.core.images import class_of
from stages.core.params import DataParams

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
    test = next((name for name in _TEST_NAMES if (source / name).is_dir()), None)
    if (source / "train").is_dir():
        if test is None:
            files, ignored = _split(*_class_files(source / "train"), params)
        else:
            files, ignored = _join(_class_files(source / "train"), _class_files(source / test))
    elif test is not None:
        raise PipelineError(f"`data.source` must hold `train` beside `{test}`; received: {params.source} without it")
    else:
        files, ignored = _split(*_class_files(source), params)
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
        if not stat.S_ISREG(source.file.stat().st_mode):
            raise RejectedImage("not a regular file")
        return source.file.read_bytes()
    except OSError as error:
        raise RejectedImage(f"the file cannot be read ({error.strerror})") from None


def output_names(paths: list[str], suffix: str) -> dict[str, str]:
    """Name the written images: the source's name with a new suffix.

    Where two names would be the same, on any file system, the old suffix stays in the name.

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
    short = {path: _valid(str(PurePosixPath(path).with_suffix(suffix))) for path in paths}
    uses = Counter(name.casefold() for name in short.values())
    taken = {name for name, count in uses.items() if count == 1}
    names = {}
    for path, name in short.items():
        if uses[name.casefold()] > 1:
            tags = itertools.chain([""], (f".{number}" for number in itertools.count(2)))
            name = next(long for tag in tags if (long := _valid(path + tag + suffix)).casefold() not in taken)
        taken.add(name.casefold())
        names[path] = name
    return names


def _valid(name: str) -> str:
    # Bytes that are not UTF-8 cannot go into the JSON files that DVC writes.
    return name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\\", "_")


def _class_files(folder: Path) -> tuple[list[SourceFile], int]:
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    files, ignored = [], sum(not entry.is_dir() for entry in folder.iterdir())
    for name in classes:
        found = [SourceFile(f"{name}/{path}", folder / name / path) for path in _walk(folder / name)]
        if not found:
            raise PipelineError(f"every class folder must hold images; received: none in `{folder / name}`")
        visible = [file for file in found if not file.file.name.startswith(".") and file.file.name != "Thumbs.db"]
        ignored += len(found) - len(visible)
        files += visible
    if not files:
        raise PipelineError(f"`data.source` must hold folders of images, one a class; received: none in `{folder}`")
    return files, ignored


def _walk(folder: Path, ancestors: tuple[str, ...] = ()) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in ancestors:
        return  # a link to a folder above
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            yield from (f"{entry.name}/{path}" for path in _walk(entry, (*ancestors, real)))
        else:
            yield entry.name


def _join(train: tuple[list[SourceFile], int], test: tuple[list[SourceFile], int]) -> tuple[list[SourceFile], int]:
    files = [
        SourceFile(f"{split}/{file.path}", file.file)
        for split, (found, _) in (("train", train), ("test", test))
        for file in found
    ]
    return files, train[1] + test[1]


def _split(files: list[SourceFile], ignored: int, params: DataParams) -> tuple[list[SourceFile], int]:
    result = []
    for name in sorted({class_of(file.path) for file in files}):
        members = sorted(
            (file for file in files if class_of(file.path) == name),
            key=lambda file: order_key(params.seed, _valid(file.path)),
        )
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
    for file in sorted(files, key=lambda file: order_key(params.seed, _valid(file.path))):
        group = tuple(file.path.split("/", 2)[:2])
        if kept[group] < params.max_per_class:
            kept[group] += 1
            result.append(file)
    return result
