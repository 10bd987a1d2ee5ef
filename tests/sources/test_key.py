"""The key to renamed images: for its owner alone, and never about other images than those that are there."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.core.paths import KEY_FILE, RAW_FOLDER
from stages.sources import key
from stages.sources.key import read_key, write_key
from stages.sources.outcomes import Outcome, Outcomes
from tests.faults import message_of
from tests.sources.builders import file, taken

NAME = os.fsdecode(b'a,"b\n\xe9.png')
ROWS = [
    ("test/a/000001.png", "test/a/000001.png", ""),
    ("train/a/000002.png", f"train/a/{NAME}", ""),
    ("", "train/a/bad.png", "broken"),
    ("", "train/a/leak.png", "equals test/a/000001.png"),
]


@pytest.fixture(autouse=True)
def write(save_images):
    """The function that writes the key of a run with two images kept, which are there, one rejected, one dropped."""
    save_images(RAW_FOLDER, ["test/a/000001.png", "train/a/000002.png"])
    kept = [Outcome(file(f"train/a/{NAME}"), "train/a/000002.png"), taken("test/a/000001.png")]
    dropped = [(taken("train/a/leak.png", "same"), "test/a/000001.png")]
    outcomes = Outcomes(kept, [taken("train/a/bad.png", rejected="broken")], dropped, 0)
    return lambda: write_key(outcomes, RAW_FOLDER)


def test_it_holds_every_file_and_knows_images_that_were_restored(write):
    write()
    assert read_key(RAW_FOLDER) == ROWS
    shutil.copytree(RAW_FOLDER, "restored")
    shutil.rmtree(RAW_FOLDER)
    Path("restored").rename(RAW_FOLDER)
    assert read_key(RAW_FOLDER) == ROWS


def test_nobody_but_its_owner_may_read_it_from_its_first_byte_on(write, monkeypatch):
    modes = []
    opened = os.fdopen

    def spy(descriptor, mode):
        status = os.fstat(descriptor)
        modes.append((stat.S_IMODE(status.st_mode), status.st_size))
        return opened(descriptor, mode)

    monkeypatch.setattr(key.os, "fdopen", spy)
    previous = os.umask(0)
    try:
        write()
    finally:
        os.umask(previous)
    assert modes == [(0o600, 0)]
    assert stat.S_IMODE(KEY_FILE.stat().st_mode) == 0o600


def swap_images():
    (RAW_FOLDER / "train/a/000002.png").rename(RAW_FOLDER / "x")
    (RAW_FOLDER / "test/a/000001.png").rename(RAW_FOLDER / "train/a/000002.png")
    (RAW_FOLDER / "x").rename(RAW_FOLDER / "test/a/000001.png")


CHANGES = {
    "pixels": lambda: (RAW_FOLDER / "train/a/000002.png").write_bytes(b"other"),
    "swapped": swap_images,
    "one more": lambda: (RAW_FOLDER / "test/a/000003.png").touch(),
    "one less": lambda: (RAW_FOLDER / "train/a/000002.png").unlink(),
    "gone": lambda: RAW_FOLDER.rename("elsewhere"),
    "older key": lambda: KEY_FILE.write_text("image,source,reason\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_one_that_belongs_to_other_images_is_refused(write, change):
    write()
    change()
    assert message_of(PipelineError, read_key, RAW_FOLDER).startswith("`data/key.csv` belongs to another data/raw; ")


def test_without_one_a_line_says_what_makes_it():
    assert message_of(PipelineError, read_key, RAW_FOLDER).startswith("`data/key.csv` is missing; ")
