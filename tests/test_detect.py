"""The stage passes on where people are, says what its detector missed, and shows a few images with their boxes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from stages.core.boxes import Box, read_boxes, row_numbers, write_boxes
from stages.core.cells import CELL, MOST_CELLS, choose_images, fit_into_cell
from stages.core.errors import PipelineError
from stages.core.images import list_images, read_image, write_image
from stages.core.paths import DETECTIONS_FILE, FOUND_BOXES, OUTLINED, RAW_FOLDER, REGIONS_FILE, REGIONS_REPORT
from stages.detect import detect
from stages.regions.pictures import outline
from tests.clones import set_param
from tests.synthetic import untimed

SIDE = 24  # of the white square in an image, which the detector of these tests finds
PATHS = [f"{split}/{name}/{number}.png" for split in ("train", "test") for name in "ab" for number in range(4)]
EMPTY = "test/b/3.png"  # without a square


def square(number: int) -> Box:
    return Box(4 * number, 2 * number, SIDE, SIDE, "face", 0.75)


SQUARES = {path: [] if path == EMPTY else [square(number)] for number, path in enumerate(PATHS)}


def find_square(image: np.ndarray) -> list[Box]:
    rows, columns = np.nonzero((image == 255).all(axis=2))
    return [Box(int(columns.min()), int(rows.min()), SIDE, SIDE, "face", 0.75)] if rows.size else []


@pytest.fixture
def raw(workspace, monkeypatch):
    """The function that makes images, each with a white square, and what the source says of where people are."""

    def make(mode: str, given: dict[str, list[Box]], paths: list[str] = PATHS) -> None:
        workspace({"regions.boxes": mode})
        for number, path in enumerate(paths):
            image = np.full((72, 96, 3), 100, np.uint8)
            if path != EMPTY:
                image[2 * number : 2 * number + SIDE, 4 * number : 4 * number + SIDE] = 255
            write_image(RAW_FOLDER / path, image)
        write_boxes(REGIONS_FILE, given)
        monkeypatch.setattr("stages.detect.load_detector", lambda params: find_square)

    return make


def metrics() -> dict:
    return json.loads(REGIONS_REPORT.read_text())


NEAR = {PATHS[1]: [square(1)._replace(x=2, label="face", score=None)]}
FAR = {PATHS[0]: [Box(60, 40, 30, 30, "ben")]}
COUNTS = {"images": 16, "given": 2}
SCORES = {"recall": 0.5, "missed": 1, "precision": round(1 / 15, 4)}


def test_given_boxes_are_passed_on_and_no_detector_is_loaded(raw, capsys, monkeypatch):
    raw("given", NEAR | FAR)
    monkeypatch.setattr("stages.detect.load_detector", lambda params: 1 // 0)
    detect()
    assert untimed(capsys.readouterr().out) == "detect: 2 regions in 2 of 16 images into data/detections.csv\n"
    assert DETECTIONS_FILE.read_bytes() == REGIONS_FILE.read_bytes()
    without = sorted(set(PATHS) - set(NEAR | FAR))
    counts = {"images_without_region": 14, "regions": 2, "detected": 0, "merged": 0, "without_region": without}
    assert metrics() == COUNTS | counts


def test_detected_boxes_take_the_place_of_given_ones_which_judge_them(raw):
    raw("detected", NEAR | FAR)
    detect()
    assert read_boxes(DETECTIONS_FILE) == {path: boxes for path, boxes in SQUARES.items() if boxes}
    by_size = {"20_to_39": {"given": 2, "recall": 0.5, "missed": 1}}
    counts = {"images_without_region": 1, "regions": 15, "detected": 15, "merged": 0, "without_region": [EMPTY]}
    assert metrics() == COUNTS | counts | SCORES | {"by_size": by_size}


def test_both_are_joined_the_same_whatever_the_workers(raw, monkeypatch):
    raw("both", NEAR | FAR)
    results = []
    for workers in ("1", "8"):
        shutil.rmtree(FOUND_BOXES, ignore_errors=True)
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        detect()
        results.append([file.read_bytes() for file in (DETECTIONS_FILE, REGIONS_REPORT, *sorted(OUTLINED.iterdir()))])
    assert results[0] == results[1]
    boxes = read_boxes(DETECTIONS_FILE)
    assert boxes[PATHS[0]] == [*FAR[PATHS[0]], square(0)]
    assert boxes[PATHS[1]] == [Box(2, 2, SIDE + 2, SIDE, "face", 0.75)]
    assert {key: metrics()[key] for key in ("regions", "merged", *SCORES)} == {"regions": 16, "merged": 1} | SCORES


def test_people_are_where_faces_are(raw, tmp_path):
    raw("both", {PATHS[0]: [Box(50, 40, 4, 5, "head")]})
    set_param(tmp_path, "regions.people_from_faces", True)
    detect()
    head, face, person = read_boxes(DETECTIONS_FILE)[PATHS[0]]
    assert (head.label, face) == ("head", square(0))
    assert person == Box(-42, -17, 108, 257, "person", 0.75)
    assert EMPTY not in read_boxes(DETECTIONS_FILE)


def test_without_any_region_no_image_is_listed(raw):
    raw("given", {})
    detect()
    assert read_boxes(DETECTIONS_FILE) == {}
    assert metrics() == {
        "images": 16, "images_without_region": 16, "regions": 0, "given": 0, "detected": 0, "merged": 0
    }  # fmt: skip


def test_an_image_that_the_detector_fails_on_is_named_and_nothing_is_written(raw, monkeypatch):
    raw("both", NEAR)

    monkeypatch.setattr("stages.detect.load_detector", lambda params: lambda image: int("no\nface"))
    with pytest.raises(PipelineError, match=r"^`data/raw/t\S*png`: the detector failed: ValueError: [^\n]*$"):
        detect()
    assert not DETECTIONS_FILE.exists() and not REGIONS_REPORT.exists() and not OUTLINED.exists()


def test_the_images_of_the_gallery_are_shown_with_their_boxes_and_without_a_split_any(raw):
    raw("detected", {})
    detect()
    chosen = choose_images(list_images(RAW_FOLDER / "test"), MOST_CELLS, seed=0)
    assert len(chosen) == len(list_images(OUTLINED)) == 8
    for name, path in zip(list_images(OUTLINED), chosen, strict=True):
        expected = outline(read_image(RAW_FOLDER / "test" / path), SQUARES[f"test/{path}"])
        assert np.array_equal(read_image(OUTLINED / name), expected)
    shutil.rmtree(RAW_FOLDER)
    raw("detected", {}, [f"{number}.png" for number in range(3)])
    detect()
    assert len(list_images(OUTLINED)) == 3


def test_each_image_is_detected_once_whatever_happens_between(raw, monkeypatch, capsys):
    raw("detected", {})
    seen: list[bytes] = []

    def find_one(image: np.ndarray) -> list[Box]:
        seen.append(image.tobytes())
        if len(seen) == 7:
            raise ValueError("stopped")
        return find_square(image)

    monkeypatch.setattr("stages.detect.load_detector", lambda params: find_one)
    monkeypatch.setenv("PIPELINE_WORKERS", "1")
    with pytest.raises(PipelineError):
        detect()
    detect()
    assert len(seen) == len(PATHS) + 1 and len(set(seen)) == len(PATHS)
    expected = DETECTIONS_FILE.read_bytes()
    moved = read_image(RAW_FOLDER / PATHS[0])
    (RAW_FOLDER / PATHS[0]).unlink()
    write_image(RAW_FOLDER / PATHS[0], np.roll(moved, 3, axis=1))
    detect()
    assert len(seen) == len(PATHS) + 2
    write_image(RAW_FOLDER / PATHS[0], moved)
    capsys.readouterr()
    detect()
    assert len(seen) == len(PATHS) + 2 and DETECTIONS_FILE.read_bytes() == expected
    assert ", 16 of them unchanged since the last run" in capsys.readouterr().out
    for file in FOUND_BOXES.glob("*/*"):
        file.write_bytes(file.read_bytes()[:-1])
    detect()
    assert len(seen) == 2 * len(PATHS) + 2 and DETECTIONS_FILE.read_bytes() == expected
    set_param(Path(), "regions.threshold.mtcnn", 0.7)
    detect()
    assert len(seen) == 3 * len(PATHS) + 2


@pytest.mark.parametrize("level", [0, 255])
def test_an_outline_is_seen_on_any_colour_and_hides_nothing_else(level):
    image = np.full((CELL // 2, CELL, 3), level, np.uint8)
    cell = outline(image, [Box(40, 20, 60, 30), Box(-5, 100, 20, 2**40)])
    changed = (cell != fit_into_cell(image)).any(axis=2)
    top = CELL // 4 + 20
    assert changed[top : top + 30, 40:42].all() and changed[top : top + 2, 40:100].all()
    assert not changed[top + 4 : top + 25, 44:95].any()
    assert not changed[:, 110:].any() and changed[-CELL // 4 - 20 :, 14].any()
    assert {tuple(pixel) for pixel in cell[changed].tolist()} >= {(255, 220, 0)}
    assert not changed[: CELL // 4].any() and not changed[-CELL // 4 :].any()


def test_numbers_are_drawn_at_their_boxes_and_are_lines_of_the_table(tmp_path):
    image = np.full((CELL, CELL, 3), 128, np.uint8)
    boxes = [Box(40, 60, 50, 50), Box(0, 0, 10, 10), Box(250, 250, 30, 30)]
    numbered, plain = outline(image, boxes, [12, 3, 4]), outline(image, boxes)
    changed = (numbered != plain).any(axis=2)
    assert changed[48:58, 40:56].any() and changed[:14, :12].any() and changed[236:256, 246:].any()
    table = {"b": boxes[:2], "a": boxes}
    write_boxes(tmp_path / "boxes.csv", table)
    lines = (tmp_path / "boxes.csv").read_text().splitlines()
    assert row_numbers({"a": [Box(0, 0, 1, 1, "face"), Box(0, 0, 1, 1, "person")]}, ["person"]) == {"a": [3]}
    for path, numbers in row_numbers(table).items():
        rows = [f"{path},{box.x},{box.y},{box.width},{box.height},," for box in table[path]]
        assert [lines[number - 1] for number in numbers] == rows
