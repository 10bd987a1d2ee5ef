"""Names, links and special files: what a file system may hold besides plain files with plain names."""

import io
import os
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from tests.strange.files import KINDS, draw, encode


class Planted(NamedTuple):
    """Entries of a source, whose written paths all hold the same number of six digits."""

    kind: str
    count: int
    verdict: Literal["taken", "rejected", "either"]
    pixels: np.ndarray | None = None  # of each of them
    tolerance: int = 0


PLACES: dict[str, Callable[[Path, str, bytes], tuple[int, str]]] = {}
LONGEST = 255  # bytes of a name


def plant(folder: Path, number: int, kind: str, rng: np.random.Generator) -> Planted:
    """Put one strange thing of a kind of `KINDS` or `PLACES` into a class folder, under names that begin with a number.

    What links out of the source lead to goes beside the source, two folders up.
    """
    name = f"{number:06}"
    if kind in KINDS:
        strange = KINDS[kind](rng)
        (folder / f"{name}.{strange.suffix}").write_bytes(strange.content)
        return Planted(kind, 1, strange.verdict, strange.pixels, strange.tolerance)
    image = draw(rng)
    count, verdict = PLACES[kind](folder, name, encode(image, "PNG"))
    return Planted(kind, count, verdict, image)


def place(name: str) -> Callable:
    """Register a function that puts entries into a folder, and returns how many and what must become of them."""

    def register(function: Callable[[Path, str, bytes], tuple[int, str]]) -> Callable:
        PLACES[name] = function
        return function

    return register


def _names(kind: str, *names: str | bytes) -> None:
    @place(kind)
    def plant_names(folder: Path, number: str, content: bytes) -> tuple[int, str]:
        for name in names:
            (folder / (number + os.fsdecode(name))).write_bytes(content)
        return len(names), "taken"


_names("name not UTF-8", b"caf\xe9.png")
_names("name of 255 bytes", "x" * (LONGEST - 6))
_names("name of 255 bytes, not UTF-8", b"\xe9" * (LONGEST - 10) + b".png")
_names("name with a line break", "a\nb\x1b[31m\t.png")
_names("name with quotes and commas", " a,'\"$(x)`;{}*?.png")
_names("names differing in case only", "a.png", "A.png", "a.PNG")
_names("same stem, two extensions", ".png", ".jpg", ".tar.png", "")
_names("names of equal looks", "\u00e9.png", "e\u0301.png")


@place("deep folders")
def deep_folders(folder: Path, number: str, content: bytes) -> tuple[int, str]:
    """More folders in each other than Python calls functions in each other."""
    above = os.open(folder, os.O_RDONLY)
    for name in [number, *("d" for _ in range(1200))]:
        os.mkdir(name, dir_fd=above)  # noqa: PTH102, a path of this length would not be accepted
        below = os.open(name, os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    with open(os.open(f"{number}.png", os.O_WRONLY | os.O_CREAT, dir_fd=above), "wb") as stream:  # noqa: PTH123
        stream.write(content)
    os.close(above)
    return 1, "rejected"


@place("link out of the source")
def link_out(folder: Path, number: str, content: bytes) -> tuple[int, str]:
    outside = folder.parents[1] / "outside" / number
    outside.mkdir(parents=True)
    (outside / f"{number}.png").write_bytes(content)
    (folder / f"{number}_folder").symlink_to(outside)
    (folder / f"{number}_link.png").symlink_to(outside / f"{number}.png")
    return 2, "rejected"


def _entry(kind: str, make: Callable[[Path], object]) -> None:
    @place(kind)
    def plant_entry(folder: Path, number: str, content: bytes) -> tuple[int, str]:
        make(folder / f"{number}.png")
        return 1, "rejected"


def _bind_socket(file: Path) -> None:
    before = Path.cwd()
    os.chdir(file.parent)  # the address may not be long
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(file.name)
    finally:
        os.chdir(before)


def _write_holes(file: Path) -> None:
    file.write_bytes(b"RIFF\xf0\xff\xff\xffWEBPVP8 ")
    os.truncate(file, 2**40)


_entry("link to nothing", lambda file: file.symlink_to("nothing"))
_entry("link to itself", lambda file: file.symlink_to(file.name))
_entry("link to its folder", lambda file: file.symlink_to("."))
_entry("link to a folder above", lambda file: file.symlink_to("../.."))
_entry("link to the root", lambda file: file.symlink_to("/"))
_entry("link to a device", lambda file: file.symlink_to("/dev/zero"))
_entry("pipe", os.mkfifo)
_entry("socket", _bind_socket)
_entry("a terabyte of holes", _write_holes)


@place("archive")
def archive(folder: Path, number: str, content: bytes) -> tuple[int, str]:
    names = f"{number}.png", f"./x/{number}\xe9.png", f"{'d' * 120}/{number}.png", f"{number}\udce9.png"
    with tarfile.open(folder / f"{number}.tar", "w") as packed:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return len(names), "taken"
