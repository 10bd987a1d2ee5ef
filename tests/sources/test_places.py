"""Paths in tables find the file that is meant, and only files of the source."""

import os
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.sources.places import SourcePlaces, find_table
from stages.sources.walking import walk_folder

COMPOSED, DECOMPOSED = "caf\u00e9/1.png", "cafe\u0301/1.png"


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The function that makes a source with some files, of which some are taken in."""
    monkeypatch.chdir(tmp_path)

    def make(files: list[str], taken: list[str] | None = None) -> SourcePlaces:
        for file in files:
            Path("source", file).parent.mkdir(parents=True, exist_ok=True)
            Path("source", file).touch()
        return SourcePlaces(
            Path("source"), files if taken is None else taken, lambda: walk_folder(Path("source"), within=None)
        )

    return make


@pytest.mark.parametrize(
    "written",
    ["a/x/1.png", "./a/x/1.png", "a//x/./1.png", "b/../a/x/1.png", "a\\x\\1.png", ".\\a\\x\\1.png", " a/x/1.png "],
)
def test_ways_to_write_a_path(places, written):
    assert places(["a/x/1.png", "b/1.png"]).find(written) == "a/x/1.png"


def test_a_file_with_a_backslash_or_a_blank_in_its_name_goes_before(places):
    some = places(["a/1.png", "a\\1.png", "a/1.png "])
    assert [some.find(path) for path in ("a\\1.png", "a/1.png ", "a/1.png")] == ["a\\1.png", "a/1.png ", "a/1.png"]


@pytest.mark.parametrize("on_disk", [COMPOSED, DECOMPOSED], ids=["composed", "decomposed"])
def test_composed_and_decomposed_letters_are_the_same(places, on_disk):
    some = places([on_disk])
    assert some.find(COMPOSED) == some.find(DECOMPOSED) == on_disk


def test_of_two_files_that_differ_in_composition_the_exact_one_is_meant(places):
    some = places([COMPOSED, DECOMPOSED, "e\u0301\u00e9.png", "\u00e9e\u0301.png"])
    assert some.find(COMPOSED) == COMPOSED
    assert some.find(DECOMPOSED) == DECOMPOSED
    with pytest.raises(LookupError, match="must name one file; received: \u00e9\u00e9.png, and 2 files have that name"):
        some.find("\u00e9\u00e9.png")


def test_files_that_are_not_taken_in_are_found_exactly_and_otherwise(places):
    some = places(["a/1.png", COMPOSED, DECOMPOSED, "a/.hidden.png"], taken=["a/1.png", COMPOSED])
    assert [some.find(path) for path in (DECOMPOSED, "./a/.hidden.png")] == [DECOMPOSED, "a/.hidden.png"]


def test_a_linked_file_that_is_taken_in_twice_is_found_under_each_name(places):
    some = places(["b/1.png"], taken=["b/1.png", "a/1.png"])
    Path("source/a").symlink_to("b")
    assert [some.find(path) for path in ("a/1.png", "b/1.png")] == ["a/1.png", "b/1.png"]


def test_absolute_paths_into_the_source_are_fine(places, tmp_path):
    some = places(["a/1.png"])
    Path("link").symlink_to("source")
    assert some.find(str(tmp_path / "source/a/1.png")) == "a/1.png"
    assert some.find(f"/{tmp_path}//source/./a/1.png") == "a/1.png"
    linked = SourcePlaces(Path("link"), ["a/1.png"], list)
    assert linked.find(str(tmp_path / "link/a/1.png")) == linked.find(str(tmp_path / "source/a/1.png")) == "a/1.png"


@pytest.mark.parametrize("written", ["../x", "a/../../source/a/1.png", "..\\x", "/etc/passwd", "/", "//etc/../passwd"])
def test_paths_that_leave_the_source_are_refused(places, written):
    with pytest.raises(LookupError, match="`path` must stay in the source; received: "):
        places(["a/1.png"]).find(written)


@pytest.mark.parametrize("written", ["a/2.png", "a", ".", "A/1.png", "C:\\photos\\a\\1.png", "a/1.png/x"])
def test_paths_that_name_no_file_are_refused(places, written):
    with pytest.raises(LookupError, match="`path` must name a file of the source; received: "):
        places(["a/1.png"]).find(written)


def table_in(folder: Path) -> Path | None:
    return find_table(folder, "who.csv")


def test_a_table_is_found_at_the_top_of_the_source_alone(places):
    places(["a/who.csv", "who.csv/1.png"])
    assert table_in(Path("source/who.csv")) is None
    assert table_in(Path("source")) is None  # a folder is a class
    assert table_in(Path("source/a")) == Path("source/a/who.csv")


def test_a_table_in_other_letters_is_refused(places):
    places(["Who.CSV"])
    with pytest.raises(PipelineError, match=r"^`source/Who.CSV` must be named `who.csv`, in small letters$"):
        table_in(Path("source"))


def test_a_table_may_be_a_link_in_the_source_and_not_out_of_it(places):
    places(["a/list.csv", "../private.csv"])
    table = Path("source/who.csv")
    table.symlink_to("a/list.csv")
    assert table_in(Path("source")) == table
    table.unlink()
    table.symlink_to("../private.csv")
    with pytest.raises(PipelineError, match=r"^`source/who.csv` must lie in the source; received: a link that leads"):
        table_in(Path("source"))


@pytest.mark.parametrize("make", [os.mkfifo, lambda file: file.symlink_to("nothing")], ids=["pipe", "broken link"])
def test_a_table_that_is_no_file_is_refused(places, make):
    places(["a/1.png"])
    make(Path("source/who.csv"))
    with pytest.raises(PipelineError, match="^`source/who.csv` must be a regular file; "):
        table_in(Path("source"))
