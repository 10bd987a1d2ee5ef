"""Names of written images: unique and valid on every file system, safe to print, or numbers in place of names."""

import hashlib
import itertools
import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath

from stages.core.errors import printable
from stages.core.images import written_suffix
from stages.core.secret import secret_key
from stages.sources.outcomes import Outcome

LONGEST_NAME = 255  # bytes, on common file systems
DIGITS = 6  # of a number, or more where there are more images
_REFUSED = re.compile(r'[<>:"|?*\\]')  # by Windows, exFAT and network drives
_RESERVED = re.compile(r"^(con|prn|aux|nul|(com|lpt)[\d¹²³])(?=\.|$)", re.IGNORECASE)  # by Windows, with any suffix


def output_names(paths: list[str], image_format: str) -> dict[str, str]:
    """Name the written images: the source's name with the suffix of the format that they are written in.

    Where two names would be the same, on any file system, or a file would be named like a folder, the old suffix stays
    in the name, unless it is the source's own name already. See `valid_name` for what else changes.
    """
    suffixes = {path: written_suffix(path, image_format) for path in paths}
    short = {path: _valid(str(PurePosixPath(path).with_suffix(suffixes[path])), suffixes[path]) for path in paths}
    uses = Counter(folded(name) for name in short.values())
    parents = {PurePosixPath(name).parent for name in short.values()}
    folders = {folded(str(folder)) for parent in parents for folder in (parent, *parent.parents)}
    taken = folders | {name for name, count in uses.items() if count == 1}
    names = {}
    for path, name in sorted(short.items(), key=lambda item: item[0] != item[1]):  # names that may stay go first
        stays = name == path and folded(name) not in taken
        if not stays and (uses[folded(name)] > 1 or folded(name) in folders):
            suffix = suffixes[path]
            tags = itertools.chain([""], (f".{number}" for number in itertools.count(2)))
            name = next(long for tag in tags if folded(long := _valid(path + tag + suffix, suffix)) not in taken)
        taken.add(folded(name))
        names[path] = name
    return names


def folded(name: str) -> str:
    """Return the form in which two names are equal if a file system that ignores case and composition confuses them."""
    return unicodedata.normalize("NFC", name.casefold())


def names_person(path: str, person: str) -> bool:
    """Tell whether a path holds the name of a person, as whole words or numbers, in any case."""
    path, person = folded(path), folded(person)
    if len(person) == 1 and person.isdigit():
        return person in re.split(r"[\W_]+", path)
    words = _words(person)
    return f" {' '.join(words)} " in f" {' '.join(_words(path))} " if words else person in path


def _words(text: str) -> list[str]:
    return re.findall(r"\d+|[^\W\d_]+", text)


def valid_name(name: str, suffix: str = "") -> str:
    """Return a name that is valid on every file system and in JSON, and can be printed.

    Characters that are not UTF-8 or cannot be printed are escaped, those that some system refuses become underscores,
    and a name that is too long is cut before its suffix.
    """
    name = _REFUSED.sub("_", printable(name))
    name = _RESERVED.sub(r"\1_", re.sub("^ |[ .]$", "_", name))
    encoded = name.encode()
    if len(encoded) > LONGEST_NAME:
        ending = f"_{hashlib.sha256(encoded).hexdigest()[:16]}{suffix}".encode()
        encoded = encoded[: LONGEST_NAME - len(ending)] + ending
    return encoded.decode("utf-8", "ignore")


def _valid(path: str, suffix: str) -> str:
    return "/".join(valid_name(name, suffix if name.endswith(suffix) else "") for name in path.split("/"))


def neutral_paths(kept: list[Outcome], secret: bytes) -> dict[str, str]:
    """Number images in an order that nobody can reproduce without the secret, even with all originals and params."""

    def order(image: Outcome) -> list[bytes]:
        return [secret_key(secret, "rename", part) for part in (image.pixel_hash.hex(), image.source.path)]

    digits = max(DIGITS, len(str(len(kept))))
    paths = {}
    for number, image in enumerate(sorted(kept, key=order), 1):
        path = PurePosixPath(image.path)
        folders = path.parts[:2] if image.source.class_name else ()  # split and class
        paths[image.path] = str(PurePosixPath(*folders, f"{number:0{digits}}{path.suffix}"))
    return paths
