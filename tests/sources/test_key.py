"""The key to renamed images: for its owner alone, and never about other images than those that are there."""

import csv
import os
import stat
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.sources import key
from stages.sources.finding import SourceFile
from stages.sources.intake import Intake, Taken
from stages.sources.key import KEY, read_key, remove_key, write_key

NAME = os.fsdecode(b'a,"b\n\xe9.png')
RAW = Path("data/raw")


def taken(path: str, written: str = "", **others) -> Taken:
    return Taken(SourceFile(path, Path("source") / path), written, **others)


@pytest.fixture(autouse=True)
def intake(tmp_path, monkeypatch, save_images):
    """What a run with two images kept, one rejected and one dropped, whose images are there."""
    monkeypatch.chdir(tmp_path)
    save_images(RAW, ["test/a/000001.png", "train/a/000002.png"])
    kept = [taken(f"train/a/{NAME}", "train/a/000002.png"), taken("test/a/000001.png", "test/a/000001.png")]
    dropped = taken("train/a/leak.png", "x", pixel_hash="same")
    return Intake(kept, [taken("train/a/bad.png", rejected="broken")], [(dropped, "test/a/000001.png")], 0)


ROWS = [
    ("test/a/000001.png", "test/a/000001.png", ""),
    ("train/a/000002.png", f"train/a/{NAME}", ""),
    ("", "train/a/bad.png", "broken"),
    ("", "train/a/leak.png", "equals test/a/000001.png"),
]


def test_it_holds_every_file(intake):
    write_key(intake, Path("source"), RAW)
    assert read_key(RAW) == ROWS
    with KEY.open(newline="", errors="surrogateescape") as file:
        assert next(file).startswith("# belongs to the data/raw with the SHA-256 ")
        assert list(csv.reader(file)) == [["image", "source", "reason"], *map(list, ROWS)]


def test_nobody_but_its_owner_may_read_it_from_its_first_byte_on(intake, monkeypatch):
    modes = []
    opened = os.fdopen

    def spy(descriptor, mode):
        status = os.fstat(descriptor)
        modes.append((stat.S_IMODE(status.st_mode), status.st_size))
        return opened(descriptor, mode)

    monkeypatch.setattr(key.os, "fdopen", spy)
    monkeypatch.setattr(key.os, "chmod", None)
    previous = os.umask(0)
    try:
        write_key(intake, Path("source"), RAW)
    finally:
        os.umask(previous)
    assert modes == [(0o600, 0)]
    assert stat.S_IMODE(KEY.stat().st_mode) == 0o600


def change_pixels():
    (RAW / "train/a/000002.png").write_bytes(b"other")


def swap_images():
    (RAW / "train/a/000002.png").rename(RAW / "x")
    (RAW / "test/a/000001.png").rename(RAW / "train/a/000002.png")
    (RAW / "x").rename(RAW / "test/a/000001.png")


CHANGES = {
    "pixels": change_pixels,
    "swapped": swap_images,
    "one more": lambda: (RAW / "test/a/000003.png").touch(),
    "one less": lambda: (RAW / "train/a/000002.png").unlink(),
    "gone": lambda: RAW.rename("elsewhere"),
    "older key": lambda: KEY.write_text("image,source,reason\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_one_that_belongs_to_other_images_is_refused(intake, change):
    write_key(intake, Path("source"), RAW)
    change()
    with pytest.raises(PipelineError) as caught:
        read_key(RAW)
    assert str(caught.value) == (
        "`data/key.csv` belongs to another data/raw; run `dvc repro -f ingest` to make both anew"
    )


def test_images_that_were_restored_byte_for_byte_are_the_same(intake):
    write_key(intake, Path("source"), RAW)
    for file in RAW.rglob("*.png"):
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
    assert read_key(RAW) == ROWS


def test_without_one_a_line_says_what_makes_it():
    with pytest.raises(PipelineError) as caught:
        read_key(RAW)
    assert str(caught.value) == (
        "`data/key.csv` is missing; only `data.rename: true` makes one, at the end of `ingest`"
    )


def test_it_is_removed_with_what_a_killed_process_left_of_one(intake):
    write_key(intake, Path("source"), RAW)
    KEY.with_name(".key.csv.123.csv").touch()
    remove_key()
    assert [file.name for file in KEY.parent.iterdir()] == ["raw"]
    remove_key()
