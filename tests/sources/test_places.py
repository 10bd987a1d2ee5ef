"""Paths in tables find the file that is meant, and only files of the source."""

import os
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.sources.listing import walk_folder
from stages.sources.tables import SourcePlaces, find_table
from tests.sources.builders import message_of

COMPOSED, DECOMPOSED = "caf\u00e9/1.png", "cafe\u0301/1.png"
SOURCE = Path("source")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The function that makes a source with some files, of which some are taken in."""
    monkeypatch.chdir(tmp_path)

    def make(*files: str, taken: list[str] | None = None) -> SourcePlaces:
        for file in files:
            (SOURCE / file).parent.mkdir(parents=True, exist_ok=True)
            (SOURCE / file).touch()
        return SourcePlaces(SOURCE, files if taken is None else taken, lambda: walk_folder(SOURCE, within=None))

    return make


def test_a_path_may_be_written_in_several_ways(places, tmp_path):
    some = places("a/x/1.png", "b/1.png")
    relative = ["a/x/1.png", "./a/x/1.png", "a//x/./1.png", "b/../a/x/1.png", ".\\a\\x\\1.png", " a/x/1.png "]
    for written in [*relative, f"{tmp_path}/source/a/x/1.png", f"/{tmp_path}//source/./a/x/1.png"]:
        assert some.find(written) == "a/x/1.png", written
    Path("link").symlink_to("source")
    linked = SourcePlaces(Path("link"), ["b/1.png"], list)
    assert {linked.find(f"{tmp_path}/{name}/b/1.png") for name in ("link", "source")} == {"b/1.png"}


def test_the_exact_spelling_goes_first(places):
    names = ["a/1.png", "a\\1.png", "a/1.png ", COMPOSED, DECOMPOSED]
    some = places(*names)
    assert [some.find(name) for name in names] == names


@pytest.mark.parametrize("on_disk", [COMPOSED, DECOMPOSED], ids=["composed", "decomposed"])
def test_composed_and_decomposed_letters_are_the_same(places, on_disk):
    some = places(on_disk)
    assert some.find(COMPOSED) == some.find(DECOMPOSED) == on_disk


def test_files_that_are_not_taken_in_or_taken_in_twice_are_found(places):
    some = places("b/1.png", COMPOSED, DECOMPOSED, "c/.hidden.png", taken=["b/1.png", "a/1.png", COMPOSED])
    (SOURCE / "a").symlink_to("b")
    names = ["a/1.png", "b/1.png", DECOMPOSED, "c/.hidden.png"]
    assert [some.find(name) for name in names] == names
    assert some.find("./c/.hidden.png") == "c/.hidden.png"


@pytest.mark.parametrize("written", ["../x", "a/../../source/a/1.png", "/etc/passwd", "/", "//etc/../passwd"])
def test_a_path_that_leaves_the_source_is_refused(places, written):
    said = message_of(LookupError, places("a/1.png").find, written)
    assert said == f"`path` must stay in the source; received: {written}"


@pytest.mark.parametrize("written", ["a/2.png", "a", ".", "A/1.png", "C:\\photos\\a\\1.png", "a/1.png/x"])
def test_a_path_that_names_no_file_is_refused(places, written):
    said = message_of(LookupError, places("a/1.png").find, written)
    assert said == f"`path` must name a file of the source; received: {written}"


def test_a_path_that_may_mean_two_files_is_refused(places):
    some = places("e\u0301\u00e9.png", "\u00e9e\u0301.png")
    assert message_of(LookupError, some.find, "\u00e9\u00e9.png") == (
        "`path` must name one file; received: \u00e9\u00e9.png, and 2 files have that name, in letters that are "
        "composed differently"
    )


def test_a_table_is_found_at_the_top_of_the_source_alone(places):
    places("a/who.csv", "who.csv/1.png", "b/list.csv")
    assert find_table(SOURCE, "who.csv") is None  # a folder is a class
    assert find_table(SOURCE / "a", "who.csv") == SOURCE / "a/who.csv"
    (SOURCE / "who.txt").symlink_to("b/list.csv")
    assert find_table(SOURCE, "who.txt") == SOURCE / "who.txt"


NO_TABLE = {
    "`source/Who.CSV` must be named `who.csv`, in small letters": lambda: (SOURCE / "Who.CSV").touch(),
    "`source/who.csv` must lie in the source; received: a link that leads out of it": lambda: (
        SOURCE / "who.csv"
    ).symlink_to("/etc/passwd"),
    "`source/who.csv` must be a regular file; received: another kind, or a link to nothing": lambda: os.mkfifo(
        SOURCE / "who.csv"
    ),
}


@pytest.mark.parametrize(("message", "make"), NO_TABLE.items(), ids=["letters", "link out", "pipe"])
def test_a_table_that_is_not_what_it_must_be_is_refused(places, message, make):
    places("a/1.png")
    make()
    assert message_of(PipelineError, find_table, SOURCE, "who.csv") == message
