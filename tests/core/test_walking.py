import subprocess
from pathlib import Path

import pytest

from stages.core.walking import LONGEST_PATH, walk_folder
from tests.strange.places import PLACES


def make(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


def test_files_are_listed_depth_first_by_name(tmp_path):
    make(tmp_path, "b.png", "a/y.png", "a/x/2.png", "a/x/1.png", "c/.hidden")
    assert list(walk_folder(tmp_path)) == ["a/x/1.png", "a/x/2.png", "a/y.png", "b.png", "c/.hidden"]


def test_links_are_followed_once(tmp_path):
    make(tmp_path, "source/a/1.png", "outside/2.png")
    (tmp_path / "source/b").symlink_to(tmp_path / "outside")
    (tmp_path / "source/c").symlink_to("a")
    assert list(walk_folder(tmp_path / "source")) == ["a/1.png", "b/2.png", "c"]


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "../../outside/up"])
def test_folder_above_is_not_entered(tmp_path, target):
    make(tmp_path, "outside/1.png", "source/a/2.png")
    (tmp_path / "outside/up").symlink_to(tmp_path)
    (tmp_path / "source/a/link").symlink_to(target)
    assert list(walk_folder(tmp_path / "source")) == ["a/2.png", "a/link"]


def test_link_out_to_a_folder_that_holds_another_link_back_ends(tmp_path):
    make(tmp_path, "outside/1.png", "source/a/2.png")
    (tmp_path / "outside/back").symlink_to(tmp_path / "source")
    (tmp_path / "source/out").symlink_to(tmp_path / "outside")
    assert list(walk_folder(tmp_path / "source")) == ["a/2.png", "out/1.png", "out/back"]


def test_folders_in_each_other_without_end_are_cut(tmp_path):
    try:
        PLACES["deep folders"](tmp_path, "100000", b"")
        (path,) = walk_folder(tmp_path)
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "100000")], check=True)  # deeper than Python removes
    assert LONGEST_PATH < len(path) <= LONGEST_PATH + 2


def test_folder_that_cannot_be_listed_is_yielded_and_the_walk_goes_on(tmp_path, lock):
    make(tmp_path, "a/locked/1.png", "a/2.png", "b.png")
    lock("locked")
    assert list(walk_folder(tmp_path)) == ["a/2.png", "a/locked", "b.png"]


def test_folder_to_walk_that_cannot_be_listed_is_named(tmp_path, lock):
    make(tmp_path, "locked/1.png")
    lock("locked")
    with pytest.raises(PermissionError, match="/locked'$"):
        list(walk_folder(tmp_path / "locked"))
