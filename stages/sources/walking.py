"""Walks folders that nobody has checked: links in circles, links that lead out, folders nested without end."""

import os
from collections.abc import Iterator
from pathlib import Path

# Of an image in a data set, in bytes. Systems allow 1,024 or more for a whole path.
LONGEST_PATH = 800


def leads_out(file: Path, source: Path) -> bool:
    """Return whether symbolic links, in any part of a path, lead to a place outside a folder."""
    return _has_links(str(file), str(source)) and not _is_within(os.path.realpath(file), os.path.realpath(source))


def _has_links(file: str, source: str) -> bool:
    # Real paths cost ten times as much, and most files are reached by no link below the source.
    if not file.startswith(f"{source}/") or "/../" in f"{file}/":
        return True
    ends = (at for at, letter in enumerate(f"{file}/") if letter == "/" and at > len(source))
    return any(os.path.islink(file[:end]) for end in ends)  # noqa: PTH114, faster than a Path


def _is_within(real: str, top: str) -> bool:
    return real == top or real.startswith(os.path.join(top, ""))  # noqa: PTH118, the names of real paths as they are


def walk_folder(folder: Path, *, within: Path | None) -> Iterator[str]:
    """List everything in a folder and in the folders below it.

    Symbolic links are followed. A folder is yielded like a file, to be rejected, if it was walked already, contains the
    folder that is walked, leads out of `within`, has a path of more than `LONGEST_PATH` bytes, or cannot be listed.
    """
    real = os.path.realpath(folder)
    seen = {real}
    top = None if within is None else os.path.realpath(within)
    # Of each folder that is under way: its path, its real path, the real paths of it and of what links led here.
    under_way: list[tuple[str, str, tuple[str, ...], Iterator[tuple[str, bool]]]] = [
        ("", real, (real,), iter(_list(str(folder))))
    ]
    while under_way:
        above, real_above, roots, entries = under_way[-1]
        name, is_plain = next(entries, (None, False))
        if name is None:
            under_way.pop()
            continue
        path = above + name
        if is_plain:
            yield path
            continue
        entry = f"{folder}/{path}"
        is_link = os.path.islink(entry)  # noqa: PTH114, entries of a folder that may be listed alone
        real = os.path.realpath(entry) if is_link else os.path.join(real_above, name)  # noqa: PTH118
        is_open = os.path.isdir(entry) and len(os.fsencode(path)) <= LONGEST_PATH  # noqa: PTH112, unreadable links
        is_out = top is not None and not _is_within(real, top)
        if not is_open or is_out or real in seen or any(_is_within(root, real) for root in roots):
            yield path
            continue
        try:
            below = iter(_list(entry))
        except OSError:
            yield path
            continue
        seen.add(real)
        roots = (*roots, real) if is_link else roots
        under_way.append((f"{path}/", real, roots, below))


def _list(folder: str) -> list[tuple[str, bool]]:
    # The names in a folder, sorted, and whether each is a regular file, of which nothing needs to be asked.
    with os.scandir(folder) as entries:
        return sorted((entry.name, _is_plain(entry)) for entry in entries)


def _is_plain(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False
