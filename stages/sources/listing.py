"""Lists everything that the source holds; a tar archive counts as a folder, in the place where it lies.

Nobody has checked these folders: links may go in circles or lead out, and folders may be nested without end.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from stages.core.params import DataParams
from stages.sources.archives import Listed, is_archive, list_archive
from stages.sources.files import LONGEST_PATH, is_within, leads_out, link_limit
from stages.sources.signatures import HEAD, is_litter, may_be_image, suffix_of


def walk_folder(folder: Path, *, within: Path | None) -> Iterator[str]:
    """List everything in a folder and in the folders below it, and follow links.

    A folder is yielded like a file, to be rejected, if it was walked already, contains a folder above it, leads out of
    `within`, has a path of more than `LONGEST_PATH` bytes, or cannot be listed.
    """
    top = str(folder)
    unlisted: list[str] = []
    real_of: dict[str, str] = {}
    seen: set[str] = set()

    def keep_unlisted(error: OSError) -> None:
        if error.filename == top:
            raise error
        unlisted.append(error.filename)

    for parent, folders, files in os.walk(top, onerror=keep_unlisted, followlinks=True):
        path, real = parent.removeprefix(top).lstrip("/"), os.path.realpath(parent)
        above = (real_of[str(place)] for place in Path(parent).parents if str(place) in real_of)
        if real in seen or any(is_within(place, real) for place in above):
            yield path
            folders.clear()
            continue
        real_of[parent] = real
        seen.add(real)
        prefix = f"{path}/" if path else ""
        yield from (prefix + name for name in sorted(files))
        below, folders[:] = sorted(folders), []
        for name in below:
            if len(os.fsencode(prefix + name)) > LONGEST_PATH or leads_out(Path(parent, name), within):
                yield prefix + name
            else:
                folders.append(name)
    yield from (file.removeprefix(top).lstrip("/") for file in unlisted)


def list_folder(params: DataParams, folder: str) -> Iterator[Listed]:
    """List what lies at any depth in a folder of the source, and what its archives hold."""
    source, within = Path(params.source), link_limit(params)
    for below in walk_folder(source / folder, within=within):
        path = f"{folder}/{below}" if folder else below
        if is_litter(below):
            yield Listed(path, is_ignored=True)
        elif is_archive(path) and not (source / path).is_dir():
            yield from list_archive(source, path, within)
        else:
            yield Listed(path, is_ignored=_is_other_file(source / path, within))


def _is_other_file(file: Path, within: Path | None) -> bool:
    # Folders of photos often hold notes and side-car files. One that cannot be read is none: it is rejected later.
    suffix = suffix_of(file.name)
    if may_be_image(suffix, b"") or leads_out(file, within) or not file.is_file():
        return False
    try:
        with file.open("rb") as stream:
            return not may_be_image(suffix, stream.read(HEAD))
    except OSError:
        return False


def list_places(params: DataParams) -> Iterator[str]:
    """List all files of a source, and what its archives hold, that which is hidden or ignored too."""
    yield from (file.place for file in list_folder(params, ""))
