"""Where people are in the files of a source, from a table that is checked row by row."""

from pathlib import Path

import pytest
from PIL import Image

from stages.core.boxes import Box
from stages.core.errors import PipelineError
from stages.sources.files import Origin
from stages.sources.finding import find_sources
from stages.sources.region_checks import check_regions
from stages.sources.region_files import read_regions
from stages.sources.regions import Region, place_regions
from tests.faults import message_of
from tests.sources.builders import data, file, region, region_params, taken
from tests.strange.odd import exif

HEADER = "path,x,y,width,height,label,score\n"


@pytest.fixture
def regions(save_images):
    def read(table: str, **how) -> dict[str, list[Region]]:
        save_images(Path("source"), ["a/1.png", "b/2.png"])
        if table:
            Path("source/regions.csv").write_text(table, encoding="utf-8")
        files, ignored = find_sources(data())
        assert not ignored
        found = read_regions(files, data(), region_params(**how))
        assert all(box.name == path for path, boxes in found.items() for box in boxes)
        return {path: [box._replace(name="") for box in boxes] for path, boxes in found.items()}

    return read


def test_rows_are_read_and_a_file_may_have_several(regions):
    table = HEADER + 'b/2.png,-3,1.5,1e1,2,"Ann, left",0.25\n\nb/2.png,0,0,4,4,,\n./a/1.png,1,2,3,4,,1\n'
    assert regions(table) == {
        "b/2.png": [region(-3, 1.5, 10, 2, "Ann, left", score=0.25), region(0, 0, 4, 4, line=4)],
        "a/1.png": [region(1, 2, 3, 4, line=5, score=1.0)],
    }
    assert regions("Height;width;y;x;path\n4;3;2;1;a/1.png\n") == {"a/1.png": [region(1, 2, 3, 4)]}
    Path("source/regions.csv").unlink()
    assert regions("") == {}


HEADERS = {
    "x,y,width,height": "10,20,30,40",
    "xmin,ymin,xmax,ymax": "10,20,40,60",
    "LEFT,Top,right,bottom": "10,20,40,60",
}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("unit", ["pixels", "percent"])
def test_sides_are_read_as_tools_name_them_in_any_unit(regions, header, unit):
    table = f"path,{header}\na/1.png,{HEADERS[header]}\n"
    (found,) = regions(table, unit=unit)["a/1.png"]
    assert (found[1:5], found.unit) == ((10, 20, 30, 40), unit)


def test_boxes_are_placed_by_the_unit_that_they_have():
    image = taken("/a/1.png", size=(100, 200), upright=(400, 800))
    same = {"pixels": (80, 40, 400, 200), "percent": (10, 10, 50, 50), "normalized": (0.1, 0.1, 0.5, 0.5)}
    same["written"] = (20, 10, 100, 50)
    for unit, corners in same.items():
        boxes, counts = place_regions({"a/1.png": [region(*corners, unit=unit)]}, [image], data())
        assert boxes == {"/a/1.png": [Box(20, 10, 100, 50)]}
        assert (counts["box_side"], counts["box_side_share"]) == (400, 0.5)


PARTS, LARGE = "0.609375,0.1667,0.21875,0.2917", "390,80,140,140"
MIXED = {"pixels": [PARTS, "0,0,1,1"], "percent": [PARTS, LARGE], "normalized": [LARGE, "39,8,14,14"]}


@pytest.mark.parametrize(("unit", "cells"), [(unit, cells) for unit, boxes in MIXED.items() for cells in boxes])
def test_a_box_of_another_unit_is_refused_with_its_line(regions, unit, cells):
    table = f"path,x,y,width,height\na/1.png,{cells}\n"
    assert "`regions.unit" in (said := message_of(PipelineError, regions, table, unit=unit))
    assert said.startswith("`source/regions.csv`, line 2: ") and "\n" not in said


BIG = {"size": (480, 640), "upright": (480, 640)}


@pytest.mark.parametrize(
    ("boxes", "image", "refused"),
    [
        ([(60.9, 16.7, 21.9, 29.2)], BIG, "percent"),
        ([(60, 16, 21, 29), (0, 0, 100, 100), (1, 50, 4, 4)], BIG, "percent"),
        ([(60, 16, 21, 29), (300, 16, 21, 29)], BIG, ""),
        ([(60, 16, 21, 29)], {"size": (150, 120), "upright": (150, 120)}, ""),
        ([(60, 16, 21, 29)], {"size": (300, 300), "upright": (300, 300)}, ""),
        ([(60, 200, 40, 29), (150, 180, 30, 30)], {"size": (240, 320), "upright": (960, 1280)}, "data.max_side"),
        ([(60, 216, 40, 29), (150, 380, 30, 30)], {"size": (240, 320), "upright": (960, 1280)}, ""),
    ],
)
def test_boxes_that_all_lie_in_a_corner_are_of_another_unit(boxes, image, refused):
    given = {"a/1.png": [region(*box) for box in boxes]}
    images = [taken("/a/1.png", "x", **image)]
    if not refused:
        check_regions(given, images, images, data())
        return
    assert refused in message_of(PipelineError, check_regions, given, images, images, data())
    if refused == "percent":
        check_regions({"a/1.png": [region(*box, unit=refused) for box in boxes]}, images, images, data())


FITTING = [(300, 80, 140, 140), (390, 80, 100, 140), (390, 500, 140, 40)]


@pytest.mark.parametrize(("box", "refused"), [((390, 80, 140, 140), True), *((box, False) for box in FITTING)])
@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
def test_boxes_of_the_stored_picture_are_refused_where_they_leave_the_upright_one(box, refused, turned, suffix):
    Path("source/a").mkdir(parents=True)
    stored = Image.new("RGB", (640, 480) if turned else (480, 640))
    stored.save(f"source/a/1.{suffix}", exif=exif(6) if turned else b"")
    image = taken(f"/a/1.{suffix}", "x", size=(640, 480), upright=(640, 480))
    image = image._replace(source=image.source._replace(origin=Origin("source")))
    given = {f"a/1.{suffix}": [region(*box)]}
    if refused and turned:
        assert "stored one" in message_of(PipelineError, check_regions, given, [image], [image], data(source="source"))
    else:
        check_regions(given, [image], [image], data(source="source"))
    # A box that fits the upright picture alone speaks for the others.
    given[f"a/1.{suffix}"] += [region(10, 500, 100, 100), region(200, 500, 100, 100)]
    check_regions(given, [image], [image], data(source="source"))


def test_a_table_may_name_images_as_data_raw_does(regions):
    table = HEADER + "train/a/1.jpg,1,2,3,4,,\n"
    given = regions(table)
    assert given == {"train/a/1.jpg": [region(1, 2, 3, 4, unit="written")]}
    image = taken("train/a/1.jpg", "x", size=(6, 8), upright=(12, 16))._replace(source=file("/a/1.png"))
    check_regions(given, [image], [image], data())
    assert place_regions(given, [image], data())[0] == {"train/a/1.jpg": [Box(1, 2, 3, 4)]}
    gone = image._replace(path="test/a/1.jpg")
    assert "`path` must name a file" in message_of(PipelineError, check_regions, given, [gone], [gone], data())
    given = {"a/1.png": [region(1, 2, 3, 4)]}
    alike = [image._replace(path="a/1.png", source=file("/a/1.jpg")), image._replace(path="a/1.png.png")]
    assert "must name one image" in message_of(PipelineError, check_regions, given, alike, alike, data())


REFUSED = {
    "text": ("left,0,1,1,,", "x", "left"),
    "decimal comma": ('0,"1,5",1,1,,', "y", "1,5"),
    "not a number": ("0,0,nan,1,,", "width", "nan"),
    "empty cell": ("0,0,,1,,", "width", "an empty cell"),
    "score": ("0,0,1,1,,1.5", "score", "1.5"),
    "label": ('0,0,1,1,"a\nb",', "label", "a\\nb"),
}


@pytest.mark.parametrize(("cells", "column", "received"), REFUSED.values(), ids=REFUSED)
def test_a_cell_that_is_not_what_it_must_be_is_refused_with_its_line(regions, cells, column, received):
    said = message_of(PipelineError, regions, f"{HEADER}a/1.png,0,0,4,4,,\na/1.png,{cells}\n")
    assert said.startswith(f"`source/regions.csv`, line 3: `{column}` must be ")
    assert said.endswith(f"; received: {received}")


@pytest.mark.parametrize(
    ("x", "y", "width", "overlaps"),
    [(-5, 0, 5, False), (-5, 0, 5.5, True), (16, 0, 5, False), (15.5, 0, 5, True), (0, 12, 5, False), (3, 0, 90, True)],
)
def test_a_box_must_overlap_its_upright_image(x, y, width, overlaps):
    decoded = [taken("/a/1.png", "x", upright=(12, 16)), taken("/a/2.png", rejected="broken")]
    given = {"a/1.png": [region(0, 0, 1, 1), region(x, y, width, 1, line=7)], "a/2.png": [region(900, 0, 1, 1)]}
    if overlaps:
        check_regions(given, decoded, [], data())
        return
    said = message_of(PipelineError, check_regions, given, decoded, [], data())
    assert said.startswith("`source/regions.csv`, line 7: a box must overlap its image, upright 16 x 12 pixels; ")
    assert said.endswith(f"received: x {x}, y {y}, width {width}, height 1")


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
    assert place_regions({"a/1.png": [region(*given)]}, [image], data())[0] == {"/a/1.png": [Box(*box)]}


@pytest.mark.parametrize("rename", [False, True])
def test_labels_that_say_what_a_box_is_of_stay_when_names_go(rename):
    kinds = [region(1, 1, 2, 2, label) for label in ("face", "head", "person")]
    image = taken("1.png", size=(9, 9), upright=(9, 9))._replace(source=file("/a/1.jpg"))
    boxes, _ = place_regions({"a/1.jpg": kinds}, [image], data(rename=rename))
    assert [box.label for box in boxes["1.png"]] == ["face", "head", "person"]
