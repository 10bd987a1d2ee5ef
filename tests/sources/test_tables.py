"""Tables of users: any program's CSV is read, no row is lost in silence, and paths name files of the source alone."""

import codecs
import os
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.sources.listing import walk_folder
from stages.sources.tables import Row, SourcePlaces, find_table, read_column, read_rows
from tests.faults import message_of
from tests.sources.builders import SOURCE, data, put

PATHS = ["a/1.png", "a/2.png", "b/3.png"]
ROWS = {"a/1.png": "Ada", "b/3.png": "Bob"}


def read(content: str | bytes, several=False, **options):
    file = put("who.csv") / "who.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    places = SourcePlaces(SOURCE, PATHS)
    return read_rows(file, [("identity",)], places, **options) if several else read_column(file, "identity", places)


TEXT = "path,identity\na/1.png,Ada\nb/3.png,Bob\n"
FORMATS = {
    "plain": TEXT.encode(),
    "byte-order mark": codecs.BOM_UTF8 + TEXT.encode(),
    "semicolons": TEXT.replace(",", ";").encode(),
    "tabs": TEXT.replace(",", "\t").encode(),
    "CRLF": TEXT.replace("\n", "\r\n").encode(),
    "CR": TEXT.replace("\n", "\r").encode(),
    "no end of line": TEXT.rstrip().encode(),
    "header": TEXT.replace("path,identity", " Path , IDENTITY").encode(),
    "quotes": b'"path";"identity"\n"a/1.png";"Ada"\n"b/3.png"; "Bob"\n',
    "blank lines": b"\n \n" + TEXT.replace("\n", "\n\n  \n,\n").encode(),
    "other columns": b"note,identity,path\n,Ada,a/1.png\n7,Bob,b/3.png\n",
    "commas in the semicolons' cells": b"path;identity;a,b,c\na/1.png;Ada;1,2\nb/3.png;Bob;\n",
    "blanks": b"path,identity\n a/1.png , Ada \nb/3.png ,Bob\n",
}


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_the_same_table_in_any_format_is_read_the_same(content):
    assert read(content) == ROWS


def test_letters_are_composed_and_optional_columns_may_be_missing_or_empty():
    table = 'path,identity,b\na/1.png,Jose\u0301,\na/2.png,"Lee, Ann",2\n'
    assert [row.cells for row in read(table, several=True, optional=("a", "b"))] == [
        {"identity": "Jos\u00e9", "a": "", "b": ""},
        {"identity": "Lee, Ann", "a": "", "b": "2"},
    ]


def test_rows_keep_their_lines_and_may_be_several_a_file():
    table = 'path,identity\n\na/1.png,"A\nd\na"\na/1.png,Bob\n'
    rows = [Row(3, "a/1.png", {"identity": "A\nd\na"}), Row(6, "a/1.png", {"identity": "Bob"})]
    assert read(table, several=True) == rows


BREAK = 'path,identity\r\na/1.png,"A\r\nda"\r\n\r\na/9.png,Bob\r\n'
MISTAKES = {
    "empty": (b"", "` must be a table"),
    "blank": (b"\xef\xbb\xbf \r\n", "` must be a table"),
    "header alone": (b"path,identity\n\n", "` must hold rows"),
    "no column": ("path,who\na/1.png,Ada\n", "`, line 1: the header"),
    "other delimiter": ("\npath|who\na/1.png|Ada\n", "`, line 2: the header"),
    "doubled column": ("path,identity,IDENTITY\n", "`, line 1: the header"),
    "empty cell": (TEXT + "a/2.png, \n", "`, line 4: `identity` "),
    "empty path": (TEXT + ",Ada\n", "`, line 4: `path` must be filled"),
    "too few cells": (TEXT + "a/2.png\n", "`, line 4: a row must have 2 cells"),
    "after a quoted line break": (BREAK, "`, line 5: `path` must name a file"),
    "open quote": (TEXT + '"a/2.png,Ada\n\n', "`, line 4: a table must be CSV"),
    "encoding": (TEXT.encode() + b"a/2.png,Jos\xe9\n", "`, line 4: a table must be in UTF-8"),
    "UTF-16": (TEXT.encode("utf-16"), "`, line 1: a table must be in UTF-8"),
    "no such file": (TEXT + "a/\x1b.png,Ada\n", "`, line 4: `path` must name a file"),
    "twice": (TEXT + "./a/1.png,Ada\n", "`, line 4: a file must have one row"),
}


@pytest.mark.parametrize(("content", "place"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_line(content, place):
    said = message_of(PipelineError, read, content)
    assert said.startswith(f"`source/who.csv{place}") and said.isprintable()
    assert not any(person in said for person in ROWS.values())


def test_long_headers_are_cut_and_long_cells_are_refused():
    assert len(message_of(PipelineError, read, "word," * 100_000)) < 400
    said = message_of(PipelineError, read, f"path,identity\na/1.png,{'x' * 200_000}\n")
    assert "line 2: a table must be CSV; received: field larger than field limit" in said


def test_all_files_are_listed_only_where_a_path_needs_it():
    assert SourcePlaces(SOURCE, PATHS, None).find("./a//1.png") == "a/1.png"


COMPOSED, DECOMPOSED = "caf\u00e9/1.png", "cafe\u0301/1.png"


def places(*files: str, taken: list[str] | None = None) -> SourcePlaces:
    return SourcePlaces(put(*files), files if taken is None else taken, lambda: walk_folder(SOURCE, within=None))


def test_a_path_may_be_written_in_several_ways(tmp_path):
    some = places("a/x/1.png", "b/1.png")
    relative = ["a/x/1.png", "./a/x/1.png", "a//x/./1.png", "b/../a/x/1.png", ".\\a\\x\\1.png", " a/x/1.png "]
    for written in [*relative, f"{tmp_path}/source/a/x/1.png", f"/{tmp_path}//source/./a/x/1.png"]:
        assert some.find(written) == "a/x/1.png", written
    Path("link").symlink_to("source")
    linked = SourcePlaces(Path("link"), ["b/1.png"], list)
    assert {linked.find(f"{tmp_path}/{name}/b/1.png") for name in ("link", "source")} == {"b/1.png"}


def test_the_exact_spelling_goes_first():
    names = ["a/1.png", "a\\1.png", "a/1.png ", COMPOSED, DECOMPOSED]
    some = places(*names)
    assert [some.find(name) for name in names] == names


@pytest.mark.parametrize("on_disk", [COMPOSED, DECOMPOSED], ids=["composed", "decomposed"])
def test_composed_and_decomposed_letters_are_the_same(on_disk):
    some = places(on_disk)
    assert some.find(COMPOSED) == some.find(DECOMPOSED) == on_disk


def test_files_that_are_not_taken_in_or_taken_in_twice_are_found():
    some = places("b/1.png", COMPOSED, DECOMPOSED, "c/.hidden.png", taken=["b/1.png", "a/1.png", COMPOSED])
    (SOURCE / "a").symlink_to("b")
    names = ["a/1.png", "b/1.png", DECOMPOSED, "c/.hidden.png"]
    assert [some.find(name) for name in names] == names
    assert some.find("./c/.hidden.png") == "c/.hidden.png"


OUTSIDE, NO_FILE = "`path` must stay in the source", "`path` must name a file of the source"
WRONG = dict.fromkeys(["../x", "/etc/passwd", "/", "//etc/../passwd"], OUTSIDE)
WRONG |= dict.fromkeys(["a/2.png", "a", ".", "A/1.png", "C:\\photos\\a\\1.png", "a/1.png/x"], NO_FILE)


@pytest.mark.parametrize("written", WRONG)
def test_a_path_that_names_no_file_of_the_source_is_refused(written):
    said = message_of(LookupError, places("a/1.png").find, written)
    assert said == f"{WRONG[written]}; received: {written}"


def test_a_path_that_may_mean_two_files_is_refused():
    some = places("e\u0301\u00e9.png", "\u00e9e\u0301.png")
    said = message_of(LookupError, some.find, "\u00e9\u00e9.png")
    assert said.startswith("`path` must name one file; received: \u00e9\u00e9.png, and 2 files have that name")


def test_a_table_is_found_at_the_top_of_the_source_alone():
    places("a/who.csv", "who.csv/1.png", "b/list.csv")
    assert find_table(data(), "who.csv") is None  # a folder is a class
    (SOURCE / "who.txt").symlink_to("b/list.csv")
    assert find_table(data(), "who.txt") == SOURCE / "who.txt"
    (SOURCE / "x.csv").symlink_to("/etc/passwd")
    assert "leads out" in message_of(PipelineError, find_table, data(), "x.csv")
    os.mkfifo(SOURCE / "y.csv")
    assert "not a regular file" in message_of(PipelineError, find_table, data(), "y.csv")
    (SOURCE / "Z.csv").touch()
    assert "`source/Z.csv` must be named `z.csv`" in message_of(PipelineError, find_table, data(), "z.csv")
