"""Tells from the folders at the top of a source what its splits and classes are."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from stages.core.errors import PipelineError, shown
from stages.core.people import TABLES
from stages.sources.listing import Listed, Listing
from stages.sources.reading import Origin, SourceFile
from stages.sources.signatures import is_litter, kind_of_ignored
from stages.sources.walking import leads_out, walk_folder

_TEST_NAMES = ("test", "val", "validation")


def find_photos(source: Path, within: Path | None) -> tuple[list[SourceFile], Counter]:
    """Find images at any depth, without split and class."""
    files, ignored = [], Counter[str]()
    for file in Listing(source, within).folder(""):
        if _is_table(source, file):
            continue
        if file.refused:
            files.append(refused_file(source, "", file.place, file.refused))
        elif file.is_ignored:
            ignored[kind_of_ignored(file.place)] += 1
        else:
            files.append(_taken(source, f"//{file.place}", "", file))
    if not files:
        raise PipelineError(f"`data.source` must hold images; received: none in `{shown(source)}`")
    return files, ignored


def find_images(source: Path, within: Path | None) -> tuple[list[SourceFile], Counter]:
    """Find the images of classes, and their split where the source has one."""
    listing = Listing(source, within)
    entries = sorted(source.iterdir())
    listing.open_archives(entry.name for entry in entries)
    names = {entry.name for entry in entries if entry.is_dir()} | listing.folders_in_archives()
    folders = {name.lower(): name for name in sorted(names)}
    train = folders.get("train")
    tests = [folders[name] for name in _TEST_NAMES if name in folders]
    test = next((folder for folder in tests if _holds_classes(listing, folder)), tests[0] if tests else None)
    first = train or test
    if first is None:
        return _class_files(listing, "", "")
    _refuse_images_alone(listing, first)
    if train is None:
        raise PipelineError(f"`data.source` must hold `train` beside `{first}`; received: {source} without it")
    files, ignored = _class_files(listing, train, "" if test is None else "train")
    if test is not None:
        others, others_ignored = _class_files(listing, test, "test")
        files, ignored = files + others, ignored + others_ignored
    for file in listing.opened_outside(train, test):
        if file.refused:
            files.append(refused_file(source, "", file.place, file.refused))
        else:
            ignored[kind_of_ignored(file.place)] += 1
    passed = {train, test, *TABLES}
    outside = [entry for entry in entries if entry.name not in passed and not listing.is_archive(entry.name)]
    ignored.update(kind_of_ignored(path) for entry in outside for path in _below(entry, listing.within))
    return files, ignored


def _below(entry: Path, within: Path | None) -> Iterator[str]:
    try:
        if entry.is_dir() and (within is None or not leads_out(entry, within)):
            yield from (f"{entry.name}/{path}" for path in walk_folder(entry, within=within))
        else:
            yield entry.name
    except OSError:
        yield entry.name


def _refuse_link_out(folder: Path, within: Path | None) -> None:
    if within is not None and leads_out(folder, within):
        raise PipelineError(
            "a folder of `data.source` must not be a link that leads out of it, unless `data.follow_outside_links` is "
            f"true; received: `{shown(folder)}`"
        )


def _holds_classes(listing: Listing, name: str) -> bool:
    folder = listing.source / name
    _refuse_link_out(folder, listing.within)
    if any(entry.is_dir() and not is_litter(entry.name) for entry in _entries(folder)):
        return True
    return any(_below_split(file, name) for file in listing.archives_in(name))


def _entries(folder: Path) -> list[Path]:
    # An archive alone may hold the folder.
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _refuse_images_alone(listing: Listing, name: str) -> None:
    # A folder that holds images itself may be a class of that name.
    folder = listing.source / name
    names = [entry.name for entry in _entries(folder) if not is_litter(entry.name)]
    if names and not _holds_classes(listing, name) and not any(listing.is_archive(f"{name}/{file}") for file in names):
        raise PipelineError(
            f"`{shown(folder)}` must hold class folders; received: files alone; if `{name}` is a class, put all "
            f"classes into folders train and test above them: train/{name}/..., test/{name}/..."
        )


def _class_files(listing: Listing, name: str, split: str) -> tuple[list[SourceFile], Counter]:
    source, folder = listing.source, listing.source / name
    _refuse_link_out(folder, listing.within)
    files, refused, ignored = [], [], Counter[str]()
    for file in listing.folder(name):
        below = _below_split(file, name)
        if below:
            files.append(_taken(source, f"{split}/{below}", name, file))
        elif file.refused:
            refused.append(refused_file(source, split, file.place, file.refused))
        elif file.archive and not file.is_ignored:
            refused.append(refused_file(source, split, file.as_member, _why_no_class(file)))
        elif not _is_table(source, file):
            ignored[kind_of_ignored(file.place)] += 1
    _refuse_empty_classes(listing, folder, {file.class_name for file in files})
    if not files:
        first = "".join(f"; the first rejected file is `{shown(file.name)}` ({file.refused})" for file in refused[:1])
        raise PipelineError(
            f"`data.source` must hold folders of images, one a class; received: none in `{shown(folder)}`"
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


def _why_no_class(file: Listed) -> str:
    if file.label is None:
        return "the member lies in no class folder, and has no .cls beside it"
    return "the .cls beside the member holds no class, or there are two that differ"


def _refuse_empty_classes(listing: Listing, folder: Path, classes: set[str]) -> None:
    for entry in _entries(folder):
        if entry.is_dir() and not is_litter(entry.name) and entry.name not in classes:
            _refuse_link_out(entry, listing.within)
            next(entry.iterdir(), None)  # raises the reason if it may not be listed
            raise PipelineError(f"every class folder must hold images; received: none in `{shown(entry)}`")


def refused_file(source: Path, split: str, name: str, reason: str) -> SourceFile:
    """Return a file, archive or member that is rejected without being read, and so has no class."""
    return SourceFile(f"{split}//{name}", _origin(str(source), "", "", ()), refused=reason)


def _taken(source: Path, path: str, folder: str, file: Listed) -> SourceFile:
    return SourceFile(path, _origin(str(source), folder, file.archive, file.stamp), file.offset, file.size)


@lru_cache
def _origin(source: str, folder: str, archive: str, stamp: tuple[int, ...]) -> Origin:
    return Origin(source, folder, archive, stamp)


def _is_table(source: Path, file: Listed) -> bool:
    return file.place in TABLES and not file.archive and (source / file.place).is_file()
