"""Sources of many small images, as files or as tar archives, and one more image for any source."""

import io
import os
import shutil
import sys
import tarfile
from pathlib import Path

import cv2
import numpy as np

from stages.core.files import write_file
from stages.core.images import encode_image
from stages.core.parallel import map_ordered

LEAST = 70  # so that train and test have all classes
CLASSES = 10
SIDE, CELLS = 32, 4
NOISE = 8  # standard deviation in grey levels; a PNG then has 2.4 kB, as one of CIFAR-10 has
TEST_SHARE = 7  # one image of so many is for testing; no round number, so that a new image seldom needs a new shard
ARCHIVE_IMAGES = 1000
NEW = "new_image"


def make_image(number: int) -> bytes:
    """Draw a smooth field of colours with noise, one that no other number gives, as PNG."""
    rng = np.random.default_rng(number)
    field = cv2.resize(rng.uniform(0, 255, (CELLS, CELLS, 3)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    image = np.clip(field + rng.normal(0, NOISE, field.shape), 0, 255).astype(np.uint8)
    return encode_image(image, Path("image.png"))


def make_source(folder: Path, count: int, *, as_archives: bool) -> None:
    """Write so many images, `{train,test}/<class>/<number>.png`, or archives of 1,000 of them below train and test."""
    for split in ("train", "test"):
        numbers = [n for n in range(count) if (n % TEST_SHARE == TEST_SHARE - 1) == (split == "test")]
        some = [numbers[start : start + ARCHIVE_IMAGES] for start in range(0, len(numbers), ARCHIVE_IMAGES)]
        write = _write_archive if as_archives else _write_files
        jobs = [(folder / split, place, part) for place, part in enumerate(some)]
        for _ in map_ordered(lambda job, write=write: write(*job), jobs, total=len(jobs), label=f"{split}, thousands"):
            pass


def copy_source(source: Path, folder: Path) -> None:
    """Copy a source, by hard links where the disk can, so that an image may be added."""

    def copy(file: str, place: str) -> None:
        try:
            os.link(os.path.realpath(file), place)
        except OSError:
            shutil.copyfile(file, place)

    shutil.copytree(source, folder, copy_function=copy)


def add_image(folder: Path) -> None:
    """Add one image beside the first one of a source; in an archive of its own, if that one lies in an archive."""
    content = make_image(1 << 40)
    for parent, below, names in os.walk(folder):
        below.sort()
        for file in (Path(parent, name) for name in sorted(names)):
            if cv2.haveImageReader(str(file)):
                file.with_name(f"{NEW}.png").write_bytes(content)
                return
            if tarfile.is_tarfile(file):
                with tarfile.open(file) as archive:
                    first = next(member.name for member in archive if member.isfile())
                _write_members(file.with_name(f"{NEW}.tar"), {f"{Path(first).parent}/{NEW}.png": content})
                return
    sys.exit(f"`--folder` must hold images, or tar archives of them; received: none in {folder}")


def _name(number: int) -> str:
    return f"class_{number // TEST_SHARE % CLASSES}/{number:07d}.png"


def _write_files(folder: Path, _: int, numbers: list[int]) -> None:
    for number in numbers:
        write_file(folder / _name(number), make_image(number))


def _write_archive(folder: Path, place: int, numbers: list[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write_members(folder / f"{place:06d}.tar", {_name(number): make_image(number) for number in numbers})


def _write_members(file: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(file, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
