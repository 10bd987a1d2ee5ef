"""Boxes are read as annotation tools write them, and broken files get one line that names the entry."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.core.errors import PipelineError
from stages.core.files import write_file
from stages.sources.finding import find_sources
from stages.sources.outlines import draw_outline, outline_corners
from stages.sources.region_checks import check_regions
from stages.sources.region_files import read_regions
from stages.sources.regions import Region, place_regions
from tests.faults import message_of
from tests.sources.builders import data, region_params, taken

PHOTOS = data(classes="none")
COCO = {
    "images": [
        {"id": 7, "file_name": "1.png", "width": 16, "height": 12},
        {"id": 8, "file_name": "set\\b/2.png", "width": 16, "height": 12},
    ],
    "categories": [{"id": 1, "name": "person"}],
    "annotations": [
        {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4.5], "area": 9, "iscrowd": 0},
        {"image_id": 8, "segmentation": [[1, 2, 5, 2, 5, 7], [4, 3, 9, 3, 9, 6]]},
        {"image_id": 8, "segmentation": {"size": [12, 16], "counts": [14, 3, 9, 4, 162]}, "score": 0.5},
    ],
}
VOC = """<annotation><filename>1.png</filename><size><width>16</width><height>12</height></size>
<object><name>face</name><bndbox><xmin>{xmin}</xmin><ymin>3</ymin><xmax>6</xmax><ymax>8</ymax></bndbox></object></annotation>"""


@pytest.fixture
def read(save_images):
    def read(files: dict[str, str | bytes], file: str) -> dict[str, list[Region]]:
        save_images(Path("source"), ["a/1.png", "b/2.png", "b/3.png"])
        for name, content in files.items():
            write_file(Path("source", name), content if isinstance(content, bytes) else content.encode())
        return read_regions(find_sources(PHOTOS)[0], PHOTOS, region_params(file=file))

    return read


def boxes_of(regions: dict[str, list[Region]]) -> dict[str, list[tuple]]:
    """Return the boxes as they are placed in images of 12 x 16 pixels."""
    images = [taken(f"/{path}", "x", size=(12, 16), upright=(12, 16))._replace(path=path) for path in regions]
    check_regions(regions, images, images, data())
    return {path: [box[:5] for box in boxes] for path, boxes in place_regions(regions, images, data())[0].items()}


def test_coco_has_boxes_polygons_and_runs(read):
    assert boxes_of(read({"coco.json": json.dumps(COCO)}, "coco.json")) == {
        "a/1.png": [(1, 2, 3, 5, "person")],
        "b/2.png": [(1, 2, 8, 5, ""), (1, 2, 2, 4, "")],
    }


@pytest.mark.parametrize(
    ("counts", "size", "corners"),
    [("o1170:0l10hM0_70PM", (21, 27), (3, 0, 20, 21)), ("0f31VM", (49, 3), (0, 0, 3, 49))],  # as pycocotools packs them
)
def test_packed_runs_are_read(counts, size, corners):
    outline = {"counts": counts, "size": size}
    rows, columns = np.nonzero(draw_outline(outline, size))
    assert outline_corners(outline) == corners
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == corners


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_runs_go_down_the_columns(seed, height, width):
    mask = np.random.default_rng(seed).random((height, width)) < 0.3
    flat = np.concatenate([[False], mask.T.ravel(), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    outline = {"counts": np.diff([0, *changes, height * width]).tolist(), "size": [height, width]}
    assert np.array_equal(draw_outline(outline, (height, width)), mask)
    rows, columns = np.nonzero(mask)
    if len(rows):
        assert outline_corners(outline) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@example([(0, 8), (0, 9), (6, 9)])  # thin, and at the border
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), min_size=3, max_size=6))
def test_a_polygon_covers_all_pixels_whose_centre_it_holds_and_none_far_from_it(points):
    drawn = draw_outline([np.ravel(points).tolist()], (9, 12))
    signed = [
        cv2.pointPolygonTest(np.float32(points), (column + 0.5, row + 0.5), True) for row, column in np.ndindex(9, 12)
    ]
    distance = np.reshape(signed, (9, 12))
    assert drawn[distance > 0].all()
    assert not drawn[distance < -2.5].any()


def test_yolo_has_boxes_by_their_centres_and_polygons(read):
    files = {
        "labels/a/1.txt": "1 0.5 0.5 0.25 0.5\n\n0 0.5 0.5 0.25 0.5 0.9\n",
        "labels/b/2.txt": "5 0.25 0.25 0.75 0.25 0.75 0.5",
        "labels/b/3.txt": "",
        "labels/classes.txt": "dog\nface\n",
    }
    regions = read(files, "labels")
    assert [region.score for region in regions["a/1.png"]] == [None, 0.9]
    assert boxes_of(regions) == {"a/1.png": [(6, 3, 4, 6, "face"), (6, 3, 4, 6, "dog")], "b/2.png": [(4, 3, 8, 3, "5")]}
    assert boxes_of(read({"b/2.txt": files["labels/b/2.txt"]}, "b")) == {"b/2.png": [(4, 3, 8, 3, "5")]}


@pytest.mark.parametrize("landmarks", ["0.45 0.4 0.55 0.4 0.5 0.5 0.45 0.6 0.55 0.6", "-1 -1 " * 5])
def test_a_yolo_box_with_landmarks_is_a_whole_face(read, landmarks):
    (box,) = boxes_of(read({"x/1.txt": f"0 0.5 0.5 0.5 0.5 {landmarks}"}, "x"))["a/1.png"]
    assert box[:4] == (4, 3, 8, 6)


def test_voc_counts_pixels_from_one_or_from_zero(read):
    assert boxes_of(read({"voc/x.xml": VOC.format(xmin=2)}, "voc")) == {"a/1.png": [(1, 2, 5, 6, "face")]}


def with_annotation(**changes) -> str:
    return json.dumps(COCO | {"annotations": [COCO["annotations"][0] | changes]})


ODD_RUNS, TURNED = {"size": [2, 2], "counts": [9]}, json.dumps(COCO).replace("12}", "99}").replace(": 16", ": 12")
BROKEN = {
    "no JSON": ("x.json", b"{", "x.json` must be JSON"),
    "no UTF-8": ("x.json", b"\xff\xfe\xff", "x.json` must be JSON"),
    "deep": ("x.json", b"[" * 100_000, "x.json` must be JSON"),
    "results": ("x.json", b"[]", "x.json`: `the whole file` must be as in COCO"),
    "no image": ("x.json", with_annotation(image_id=9), "annotation 0: `image_id`"),
    "endless": ("x.json", with_annotation(bbox=[1, 2, 3, float("inf")]), "`annotations.0.bbox"),
    "empty box": ("x.json", with_annotation(bbox=[1, 2, 0, 4]), "annotation 0: a box must have a width"),
    "normalized": ("x.json", with_annotation(bbox=[0.4, 0.3, 0.2, 0.3]), "annotation 0: a box must be in pixels"),
    "an id twice": ("x.json", json.dumps(COCO).replace('"id": 8', '"id": 7'), "x.json`: each of `images`"),
    "odd runs": ("x.json", with_annotation(bbox=[], segmentation=ODD_RUNS), "annotation 0: it must"),
    "unknown image": ("x.json", json.dumps(COCO).replace("1.png", "9.png"), "annotation 0: it must name one image"),
    "turned": ("x.json", TURNED, "annotation 0: a box must be of"),
    "entities": ("x/1.xml", '<!DOCTYPE a [<!ENTITY b "c">]>' + VOC.format(xmin=2), "1.xml` must have no DOCTYPE"),
    "cut": ("x/1.xml", VOC[:99], "1.xml` must be Pascal VOC"),
    "no number": ("x/1.xml", VOC.format(xmin="two"), "1.xml` must be Pascal VOC"),
    "not a number": ("x/1.xml", VOC.format(xmin="nan"), "1.xml`, object 1: a box must"),
    "too few": ("x/1.txt", "0 0.5 0.5 0.1", "1.txt`, line 1: a line of YOLO"),
    "half a point": ("x/1.txt", "0 1 1 1 1 1 1 1", "1.txt`, line 1: a line of YOLO"),
    "pixels": ("x/1.txt", "0 300 200 50 50", "1.txt`, line 1: a box must"),
    "of no image": ("x/9.txt", "0 0.5 0.5 0.1 0.1", "9.txt`, line 1: it must name one image"),
    "no text": ("x/1.txt", b"\xff\xfe\x00", "1.txt` must be a text in UTF-8"),
    "nothing": ("x/1.doc", b"", "`regions.file` must hold .txt or .xml files"),
    "missing": ("y/1.txt", b"", "`regions.file` must lie in the source"),
}


@pytest.mark.parametrize(("name", "content", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_files_get_one_line_that_names_the_entry(read, name, content, message):
    place = name.replace("y/", "x/").split("/")[0]
    said = message_of(PipelineError, lambda: boxes_of(read({name: content}, place)))
    assert message in said and said.isprintable()


def test_a_yolo_file_is_read_whatever_its_image_is_called(read):
    write_file(Path("source/a/test.png"), b"")
    files = {"x/test.txt": "0 0.5 0.5 0.25 0.5", "x/train.txt": "images/1.png\n", "x/README.txt": "0 faces or more"}
    assert set(read(files, "x")) == {"a/test.png"}


def test_a_folder_of_two_formats_is_refused(read):
    files = {"x/1.xml": VOC.format(xmin=2), "x/classes.txt": "face", "x/README.roboflow.txt": "Hello"}
    assert set(read(files, "x")) == {"a/1.png"}
    assert "received: both" in message_of(PipelineError, read, files | {"x/2.txt": "0 0.5 0.5 0.1 0.1"}, "x")


def test_an_image_must_be_meant_by_its_name_alone(read):
    files = {"a/3.png": Path(__file__).read_bytes(), "x.json": json.dumps(COCO).replace("1.png", "3.png")}
    assert "2 files of that name" in message_of(PipelineError, read, files, "x.json")
    content = json.dumps(COCO).replace("1.png", "/home/me/photos/a/3.png")
    assert set(read({**files, "x.json": content}, "x.json")) == {"a/3.png", "b/2.png"}
    content = json.dumps(COCO).replace("1.png", "c/1.png")  # of another folder
    assert "no such file" in message_of(PipelineError, read, {"x.json": content}, "x.json")


CONTENTS = {
    "x.json": json.dumps(COCO),
    "x/1.xml": VOC.format(xmin=2),
    "x/1.txt": "1 0.5 0.5 0.25 0.5\n0 0.5 0.5 0.25 0.5 0.25 0.9\n",
    "x.csv": "path,x,y,width,height,label,score\na/1.png,3,2,4,5,Ann,0.5\n",
}


@pytest.mark.parametrize("name", CONTENTS)
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(read, name):
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(25):
        content = bytearray(CONTENTS[name].encode())
        place, removed = rng.integers(0, len(content)), rng.integers(3)
        content[place : place + removed] = bytes(rng.choice(list(b'\0\xff0123456789.-e,"]}<&/ \n'), 1).tolist())
        try:
            boxes_of(read({name: bytes(content)}, name.split("/")[0]))
        except PipelineError as error:
            refused += 1
            assert str(error).isprintable()
    assert 3 < refused < 25
