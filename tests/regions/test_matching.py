"""Given and detected boxes are joined without a loss, and faces that the detector missed are counted."""

import pytest

from stages.core.boxes import Box
from stages.regions.matching import find_matches, merge_boxes, score_detector


def detected(*corner_and_sides: int, score: float = 0.9) -> Box:
    return Box(*corner_and_sides, "face", score)


GIVEN = Box(10, 10, 40, 40, "face")
MERGES = {
    "nothing": ([], [], [], 0),
    "only given": ([GIVEN], [], [GIVEN], 0),
    "only detected": ([], [detected(0, 0, 9, 9)], [detected(0, 0, 9, 9)], 0),
    "apart": ([GIVEN], [detected(90, 90, 9, 9)], [GIVEN, detected(90, 90, 9, 9)], 0),
    "touching by too little": ([GIVEN], [detected(30, 10, 40, 40)], [GIVEN, detected(30, 10, 40, 40)], 0),
    "same face": ([GIVEN], [detected(5, 12, 42, 42)], [Box(5, 10, 45, 44, "face", 0.9)], 1),
    "two on one": (
        [GIVEN],
        [detected(5, 10, 40, 40, score=0.8), detected(15, 10, 40, 40)],
        [Box(5, 10, 50, 40, "face", 0.9)],
        2,
    ),
    "nearer of two": (
        [GIVEN, Box(16, 10, 40, 40)],
        [detected(15, 10, 40, 40)],
        [GIVEN, Box(15, 10, 41, 40, "face", 0.9)],
        1,
    ),
    "of two labels": (
        [Box(10, 10, 40, 40, "anna")],
        [detected(5, 12, 42, 42)],
        [Box(10, 10, 40, 40, "anna"), detected(5, 12, 42, 42)],
        0,
    ),
    "without an area": ([Box(10, 10, 0, 0)], [detected(10, 10, 5, 5)], [Box(10, 10, 0, 0), detected(10, 10, 5, 5)], 0),
}


@pytest.mark.parametrize(("given", "found", "boxes", "merged"), MERGES.values(), ids=MERGES)
def test_a_detected_box_joins_the_given_one_of_the_same_face(given, found, boxes, merged):
    assert merge_boxes(given, found) == (boxes, merged)


def test_a_detection_counts_for_one_face_and_the_best_score_chooses_first():
    faces = [Box(0, 0, 40, 40), Box(6, 0, 40, 40)]
    assert find_matches(faces, [detected(1, 0, 40, 40)]) == [True, False]
    assert find_matches(faces, [detected(4, 0, 40, 40, score=0.5), detected(5, 0, 40, 40)]) == [True, True]
    assert find_matches([Box(0, 0, 10, 10)], [detected(0, 0, 10, 19)]) == [True]
    assert find_matches([Box(0, 0, 10, 10)], [detected(0, 0, 10, 21)]) == [False]
    boxes = [Box(0, 0, 40, 40, "person"), Box(0, 0, 40, 38, "head")]
    assert find_matches(boxes, [detected(0, 0, 40, 40)]) == [False, True]


def test_missed_and_false_faces_are_counted_by_size():
    images = [
        ([Box(0, 0, 10, 19), Box(50, 0, 20, 20)], [detected(0, 0, 10, 19), detected(90, 90, 20, 20)]),
        ([Box(0, 0, 79, 10), Box(0, 50, 80, 80)], [detected(0, 50, 80, 80), detected(0, 51, 80, 80, score=0.5)]),
        ([], []),
    ]
    assert score_detector(images) == {
        "recall": 0.5,
        "missed": 2,
        "precision": 0.5,
        "by_size": {
            "below_20": {"given": 1, "recall": 1.0, "missed": 0},
            "20_to_39": {"given": 1, "recall": 0.0, "missed": 1},
            "40_to_79": {"given": 1, "recall": 0.0, "missed": 1},
            "80_or_more": {"given": 1, "recall": 1.0, "missed": 0},
        },
    }


def test_what_cannot_be_had_is_absent():
    assert score_detector([([], [detected(0, 0, 9, 9)])]) == {}
    assert "precision" not in score_detector([([GIVEN], [])])
