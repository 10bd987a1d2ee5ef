"""Where people are in the files of a source, from a table that is checked row by row."""

from pathlib import Path

import pytest

from stages.core.boxes import Box
from stages.core.errors import PipelineError
from stages.sources.finding import find_sources
from stages.sources.regions import Region, check_overlap, place_regions, read_regions
from tests.sources.builders import data, file, message_of, taken

HEADER = "path,x,y,width,height,label,score\n"


@pytest.fixture
def regions(tmp_path, monkeypatch, save_images):
    """The function that makes a source with a table, and reads it."""
    monkeypatch.chdir(tmp_path)

    def read(table: str) -> dict[str, list[Region]]:
        save_images(Path("source"), ["a/1.png", "b/2.png"])
        if table:
            Path("source/regions.csv").write_text(table, encoding="utf-8")
        files, ignored = find_sources(data())
        assert not ignored
        return read_regions(files, data())

    return read


def region(x: float, y: float, width: float, height: float, label: str = "", line: int = 2) -> Region:
    return Region(line, x, y, width, height, label, None)


def test_rows_are_read_and_a_file_may_have_several(regions):
    table = HEADER + 'b/2.png,-3,1.5,1e1,2,"Ann, left",0.25\n\nb/2.png,0,0,4,4,,\n./a/1.png,1,2,3,4,,1\n'
    assert regions(table) == {
        "b/2.png": [Region(2, -3, 1.5, 10, 2, "Ann, left", 0.25), Region(4, 0, 0, 4, 4, "", None)],
        "a/1.png": [Region(5, 1, 2, 3, 4, "", 1.0)],
    }
    assert regions("Height;width;y;x;path\n4;3;2;1;a/1.png\n") == {"a/1.png": [region(1, 2, 3, 4)]}
    Path("source/regions.csv").unlink()
    assert regions("") == {}


PLACE, LENGTH, SCORE = (
    "a number from -1073741824 to 1073741824",
    "a number above 0, at most 1073741824",
    "a number from 0 to 1, or empty",
)
REFUSED = {
    "text": ("left,0,1,1,,", f"`x` must be {PLACE}; received: left"),
    "decimal comma": ('0,"1,5",1,1,,', f"`y` must be {PLACE}; received: 1,5"),
    "far away": ("-1e10,0,1,1,,", f"`x` must be {PLACE}; received: -1e10"),
    "not a number": ("0,0,nan,1,,", f"`width` must be {LENGTH}; received: nan"),
    "endless": ("0,0,1,inf,,", f"`height` must be {LENGTH}; received: inf"),
    "empty box": ("0,0,0,1,,", f"`width` must be {LENGTH}; received: 0"),
    "negative box": ("0,0,1,-1,,", f"`height` must be {LENGTH}; received: -1"),
    "empty cell": ("0,0,,1,,", "`width` must be filled; received: an empty cell"),
    "score": ("0,0,1,1,,1.5", f"`score` must be {SCORE}; received: 1.5"),
    "label": ('0,0,1,1,"a\nb",', "`label` must be a text that can be printed, in one line; received: a\\nb"),
}


@pytest.mark.parametrize(("cells", "message"), REFUSED.values(), ids=REFUSED)
def test_a_cell_that_is_not_what_it_must_be_is_refused_with_its_line(regions, cells, message):
    said = message_of(PipelineError, regions, f"{HEADER}a/1.png,0,0,1,1,,\na/1.png,{cells}\n")
    assert said == f"`source/regions.csv`, line 3: {message}"


@pytest.mark.parametrize(
    ("x", "y", "width", "overlaps"),
    [(-5, 0, 5, False), (-5, 0, 5.5, True), (16, 0, 5, False), (15.5, 0, 5, True), (0, 12, 5, False), (3, 0, 90, True)],
)
def test_a_box_must_overlap_its_upright_image(x, y, width, overlaps):
    decoded = [taken("/a/1.png", "x", upright=(12, 16)), taken("/a/2.png", rejected="broken")]
    told = {"a/1.png": [region(0, 0, 1, 1), region(x, y, width, 1, line=7)], "a/2.png": [region(900, 0, 1, 1)]}
    if overlaps:
        check_overlap(told, decoded, data())
        return
    assert message_of(PipelineError, check_overlap, told, decoded, data()) == (
        "`source/regions.csv`, line 7: a box must overlap its image, upright 16 x 12 pixels; "
        f"received: x {x}, y {y}, width {width}, height 1"
    )


@pytest.mark.parametrize(
    ("given", "box"),
    [
        ((87, 0, 29, 87), (30, 0, 10, 30)),  # what comes out even is not rounded
        ((88, 1, 1, 1), (30, 0, 1, 1)),
        ((28, 1, 2, 30), (9, 0, 2, 11)),
        ((-1, -4, 400, 0.1), (-1, -2, 139, 1)),  # not clipped
        ((87, 87, 1e-300, 1e-300), (30, 30, 1, 1)),
    ],
)
def test_boxes_shrink_with_their_image_and_lose_nothing(given, box):
    image = taken("/a/1.png", size=(100, 200), upright=(290, 580))
    assert place_regions({"a/1.png": [region(*given)]}, [image], data()).boxes == {"/a/1.png": [Box(*box)]}


@pytest.mark.parametrize("rename", [False, True])
def test_boxes_go_with_images_and_what_is_left_out_is_counted(rename):
    image = taken("train/a/1.png", size=(9, 9), upright=(9, 9))._replace(source=file("/a/1.jpg"))
    told = [region(1, 1, 2, 2, "Ann"), region(0, 0, 1, 1, "Bob"), region(1, 1, 2, 2, "Ann again")]
    placed = place_regions({"a/1.jpg": told, "a/gone.jpg": told}, [image, taken("train/a/2.png")], data(rename=rename))
    names = ["", ""] if rename else ["Ann", "Bob"]
    assert placed.boxes == {"train/a/1.png": [Box(1, 1, 2, 2, names[0]), Box(0, 0, 1, 1, names[1])]}
    assert placed.counts == {"boxes": 2, "images_with_boxes": 1, "boxes_without_image": 3, "boxes_given_twice": 1}
