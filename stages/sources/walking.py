"""Walks folders that nobody has checked: links in circles, links that lead out, folders nested without end."""

import os
from collections.abc import Iterator
from pathlib import Path

# Of an image in a data set, in bytes. Systems allow 1,024 or more for a whole path.
LONGEST_PATH = 800


def leads_out(file: Path, source: Path) -> bool:
    """Return whether symbolic links, in any part of a path, lead to a place outside a folder.

    Parameters
    ----------
    file : pathlib.Path
        A file or folder; it need not exist.
    source : pathlib.Path
        The folder, which may be a link itself.

    Returns
    -------
    bool
        False for the folder itself.
    """
    return not _is_within(os.path.realpath(file), os.path.realpath(source))


def _is_within(real: str, top: str) -> bool:
    return real == top or real.startswith(os.path.join(top, ""))  # noqa: PTH118, the names of real paths as they are


def walk_folder(folder: Path, *, within: Path | None) -> Iterator[str]:
    """List everything in a folder and in the folders below it.

    Symbolic links are followed. A folder is yielded like a file, to be rejected, if it was walked already, contains the
    folder that is walked, leads out of `within`, has a path of more than `LONGEST_PATH` bytes, or cannot be listed.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    within : pathlib.Path or None
        A folder that no link to a folder may lead out of; None allows all links.

    Yields
    ------
    str
        Paths relative to `folder`, depth first, by name.

    Raises
    ------
    OSError
        If `folder` itself cannot be listed.
    """
    real = os.path.realpath(folder)
    seen = {real}
    top = None if within is None else os.path.realpath(within)
    # Of each folder that is under way: its path, its real path, the real paths of it and of what links led here.
    under_way: list[tuple[str, str, tuple[str, ...], Iterator[Path]]] = [
        ("", real, (real,), iter(sorted(folder.iterdir())))
    ]
    while under_way:
        above, real_above, roots, entries = under_way[-1]
        entry = next(entries, None)
        if entry is None:
            under_way.pop()
            continue
        path = above + entry.name
        is_link = os.path.islink(entry)  # noqa: PTH114, entries of a folder that may be listed alone
        real = os.path.realpath(entry) if is_link else os.path.join(real_above, entry.name)  # noqa: PTH118
        is_open = os.path.isdir(entry) and len(os.fsencode(path)) <= LONGEST_PATH  # noqa: PTH112, unreadable links
        is_out = top is not None and not _is_within(real, top)
        if not is_open or is_out or real in seen or any(_is_within(root, real) for root in roots):
            yield path
            continue
        try:
            below = iter(sorted(entry.iterdir()))
        except OSError:
            yield path
            continue
        seen.add(real)
        roots = (*roots, real) if is_link else roots
        under_way.append((f"{path}/", real, roots, below))
