"""Walks folders that nobody has checked: links in rings, folders in folders without end."""

import os
from collections.abc import Iterator
from pathlib import Path

# Of an image in a data set, in bytes. Systems allow 1,024 or more for a whole path.
LONGEST_PATH = 800


def walk_folder(folder: Path) -> Iterator[str]:
    """List all that is in a folder and in the folders below.

    Symbolic links are followed. A folder is yielded like a file, to be rejected, where it was walked already, holds
    the folder that is walked, has a path of more than `LONGEST_PATH` bytes, or cannot be listed.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.

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
    # Of each folder that is under way: its path, its real path, the real paths of it and of what links led here.
    under_way = [("", real, (real,), iter(sorted(folder.iterdir())))]
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
        if not is_open or real in seen or any(root.startswith(os.path.join(real, "")) for root in roots):  # noqa: PTH118
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
