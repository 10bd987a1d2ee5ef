from pathlib import Path

from stages.core.intake import Intake, Taken, make_report, sort_out
from stages.core.sources import SourceFile


def taken(path: str, pixel_hash: str = "", **others) -> Taken:
    return Taken(SourceFile(path, Path("source") / path), path, pixel_hash, **others)


def test_each_result_is_sorted_out_once():
    kept = [taken("train/a/1.png", "one"), taken("train/a/2.png", "one"), taken("test/a/3.png", "two")]
    rejected, dropped = taken("test/a/4.png", rejected="broken"), taken("train/b/5.png", "two")
    results = [dropped, kept[0], rejected, *kept[1:]]
    assert sort_out(results, 7) == Intake(kept, [rejected], [(dropped, "test/a/3.png")], 7)


def test_first_of_equal_test_images_is_named():
    results = [taken(path, "same") for path in ("test/a/1.png", "test/a/2.png", "train/a/3.png")]
    assert sort_out(results, 0).dropped == [(results[2], "test/a/1.png")]


def test_rejected_file_is_no_leak():
    results = [taken("test/a/1.png", rejected="broken"), taken("train/a/3.png", rejected="broken")]
    assert sort_out(results, 0) == Intake([], results, [], 0)


def test_report_counts_and_names_what_was_not_taken_in():
    intake = Intake(
        [taken("test/a/1.png", "x", size=(2, 3)), taken("train/a/2.png", "y", size=(4, 5))],
        [taken("train/a/3.png", rejected="broken")],
        [(taken("train/a/4.png", "x"), "test/a/1.png")],
        5,
    )
    report = make_report(intake, Path("source"), with_names=True)
    assert report == {
        "images": {"train": {"a": 1}, "test": {"a": 1}},
        "size": {"height": {"min": 2, "median": 3, "max": 4}, "width": {"min": 3, "median": 4, "max": 5}},
        "rejected": [{"file": "train/a/3.png", "reason": "broken"}],
        "dropped_from_train": [{"image": "train/a/4.png", "equals": "test/a/1.png"}],
        "ignored_files": 5,
    }
    assert make_report(intake, Path("source"), with_names=False) == report | {
        "rejected": [{"reason": "broken"}],
        "dropped_from_train": [{"equals": "test/a/1.png"}],
    }
