import subprocess
from pathlib import Path

import pytest

from stages.sources.walking import LONGEST_PATH, leads_out, walk_folder
from tests.strange.places import PLACES


def make(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


def test_files_are_listed_depth_first_by_name(tmp_path):
    make(tmp_path, "b.png", "a/y.png", "a/x/2.png", "a/x/1.png", "c/.hidden")
    assert list(walk_folder(tmp_path, within=None)) == ["a/x/1.png", "a/x/2.png", "a/y.png", "b.png", "c/.hidden"]


def test_links_are_followed_once(tmp_path):
    make(tmp_path, "source/a/1.png", "outside/2.png")
    (tmp_path / "source/b").symlink_to(tmp_path / "outside")
    (tmp_path / "source/c").symlink_to("a")
    assert list(walk_folder(tmp_path / "source", within=None)) == ["a/1.png", "b/2.png", "c"]


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "../../outside/up"])
def test_folder_above_is_not_entered(tmp_path, target):
    make(tmp_path, "outside/1.png", "source/a/2.png")
    (tmp_path / "outside/up").symlink_to(tmp_path)
    (tmp_path / "source/a/link").symlink_to(target)
    assert list(walk_folder(tmp_path / "source", within=None)) == ["a/2.png", "a/link"]


def test_link_out_to_a_folder_that_holds_another_link_back_ends(tmp_path):
    make(tmp_path, "outside/1.png", "source/a/2.png")
    (tmp_path / "outside/back").symlink_to(tmp_path / "source")
    (tmp_path / "source/out").symlink_to(tmp_path / "outside")
    assert list(walk_folder(tmp_path / "source", within=None)) == ["a/2.png", "out/1.png", "out/back"]


# What `source/a/link` leads to, beside a file `outside/1.png` and one in `source_2/`, a folder of a similar name.
OUT = {
    "file": "../../outside/1.png",
    "folder": "../../outside",
    "link that leads out": "../hop",
    "chain of links": "../hop_2",
    "file in a folder that is a link": "../hop/1.png",
    "back and out again": "../../source/../outside/1.png",
    "folder whose name begins alike": "../../source_2",
    "file in a folder whose name begins alike": "../../source_2/1.png",
    "folder above": "../..",
    "root": "/",
    "nothing": "../../nowhere",
}
WITHIN = {
    "itself": "..",
    "file": "../b/2.png",
    "folder": "../b",
    "out and back": "../../source/b",
    "nothing": "../nowhere",
    "link": "../b/link",
}


@pytest.fixture
def linked(tmp_path):
    """The function that makes a source, itself a link, in which `a/link` leads to a target."""
    make(tmp_path, "outside/1.png", "source_2/1.png", "source/a/1.png", "source/b/2.png")
    (tmp_path / "source/hop").symlink_to("../outside")
    (tmp_path / "source/hop_2").symlink_to("b/hop")
    (tmp_path / "source/b/hop").symlink_to(tmp_path / "source/hop")
    (tmp_path / "source/b/link").symlink_to("2.png")
    (tmp_path / "by_link").symlink_to("source")

    def link(target: str, top: str) -> Path:
        (tmp_path / "source/a/link").symlink_to(target)
        return tmp_path / top

    return link


@pytest.mark.parametrize("top", ["source", "by_link"])
@pytest.mark.parametrize("target", OUT.values(), ids=OUT)
def test_link_that_leads_out_is_known_and_not_entered(linked, target, top):
    source = linked(target, top)
    assert leads_out(source / "a/link", source)
    walked = list(walk_folder(source, within=source))
    assert walked == ["a/1.png", "a/link", "b/2.png", "b/hop", "b/link", "hop", "hop_2"]


@pytest.mark.parametrize("top", ["source", "by_link"])
@pytest.mark.parametrize("target", WITHIN.values(), ids=WITHIN)
def test_link_that_stays_within_does_not_lead_out(linked, target, top):
    source = linked(target, top)
    assert not leads_out(source / "a/link", source)
    assert not leads_out(source, source)


def test_file_in_a_folder_that_leads_out_leads_out(linked):
    source = linked("../hop", "source")
    assert leads_out(source / "a/link/1.png", source)
    assert leads_out(source / "a/link/no such file", source)


def test_folders_in_each_other_without_end_are_cut(tmp_path):
    try:
        PLACES["deep folders"](tmp_path, "100000", b"")
        (path,) = walk_folder(tmp_path, within=None)
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "100000")], check=True)  # deeper than Python removes
    assert LONGEST_PATH < len(path) <= LONGEST_PATH + 2


def test_folder_that_cannot_be_listed_is_yielded_and_the_walk_goes_on(tmp_path, lock):
    make(tmp_path, "a/locked/1.png", "a/2.png", "b.png")
    lock("locked")
    assert list(walk_folder(tmp_path, within=None)) == ["a/2.png", "a/locked", "b.png"]


def test_folder_to_walk_that_cannot_be_listed_is_named(tmp_path, lock):
    make(tmp_path, "locked/1.png")
    lock("locked")
    with pytest.raises(PermissionError, match="/locked'$"):
        list(walk_folder(tmp_path / "locked", within=None))
