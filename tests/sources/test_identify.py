"""Who is in the files of a source, from their paths or from a table."""

from pathlib import Path

import pytest

from stages.sources.finding import find_sources
from stages.sources.identify import Identified, identify_sources
from tests.sources.builders import data

PATHS = ["a/id1_x.png", "a/id2_x.png", "b/sub/id1_y.png", "b/other.png"]


@pytest.fixture
def identify(save_images):
    def identified(paths: list[str] = PATHS, table: str = "", **changes) -> Identified:
        save_images(Path("source"), paths)
        if table:
            Path("source/identities.csv").write_text(f"path,identity\n{table}", encoding="utf-8")
        files, ignored = find_sources(data(**changes))
        assert not ignored
        return identify_sources(files, data(**changes))

    return identified


def test_people_are_read_off_the_paths_if_there_is_a_pattern(identify):
    assert identify() == ({"a/id1_x.png": "1", "a/id2_x.png": "2", "b/sub/id1_y.png": "1"}, False)
    assert identify(identity_pattern=None) == ({}, False)


@pytest.mark.parametrize("splits", [[""], ["train/", "val/"]])
def test_a_pattern_means_the_same_with_and_without_a_split(identify, splits):
    paths = [f"{split}{path}" for split in splits for path in ("Ann/x/1.png", "Ann/y/2.png", "Bob/x/1.png")]
    for pattern, people in (("^/([^/]+)/", "Ann Bob"), ("(train|test|val)", ""), (r"^/[^/]+/(\w)/", "x y")):
        assert set(identify(paths, identity_pattern=pattern).people.values()) == set(people.split())


def test_a_table_goes_first_and_names_paths_of_the_source_as_it_is(identify):
    paths = ["train/a/id1.png", "train/b/id2.png", "val/a/id3.png", "val/b/id4.png"]
    assert identify(paths, "./val//a/id3.png,Ada\n", max_per_class=1) == ({"val/a/id3.png": "Ada"}, True)


def test_spellings_that_look_the_same_are_one_person_and_capitals_make_two(identify):
    table = "a/id1_x.png,Jose\u0301\na/id2_x.png, Jos\u00e9 \nb/other.png,jos\u00e9\n"
    assert list(identify(table=table).people.values()) == ["Jos\u00e9", "Jos\u00e9", "jos\u00e9"]
    Path("source/identities.csv").unlink()
    named = identify(["a/idJose\u0301_1.png", "a/idJos\u00e9_2.png", "a/id _3.png"], identity_pattern=r"/id(\D+)_")
    assert set(named.people.values()) == {"Jos\u00e9"}
