"""Broken files take no place in the split, and no file of the source is lost between the lists of the report."""

from collections import Counter

import pytest

from stages.sources.files import Origin, SourceFile
from stages.sources.outcomes import Outcome, Outcomes, decode_wanted, make_report
from stages.sources.splitting import Drawn
from tests.sources.builders import data, file, numbered, taken

PACKED = Origin("source", "train", "train/0.tar")


def test_report_counts_and_names_what_was_left_out():
    outcomes = Outcomes(
        [taken("test/a/1.png", "x", size=(2, 3), notes={"levels": 3}), taken("train/a/g2_.png", "y", size=(4, 5))],
        [taken("train/a/3.png", rejected="broken")._replace(source=file("train/a/3.png")._replace(origin=PACKED))],
        [(taken("train/a/4.png", "x"), "test/a/1.png"), (taken("train/a/5.png"), "test/a/1.png")],
        Counter(video=2, hidden=3),
    )
    report = make_report(outcomes, data())
    assert report == {
        "images": {"train": {"a": 1}, "test": {"a": 1}},
        "size": {"height": {"min": 2, "median": 3, "max": 4}, "width": {"min": 3, "median": 4, "max": 5}},
        "rejected": [{"file": "train/a/3.png", "archive": "train/0.tar", "reason": "broken"}],
        "dropped_from_train": [
            {"image": "train/a/4.png", "equals": "test/a/1.png"},
            {"image": "train/a/5.png", "same_group_as": "test/a/1.png"},
        ],
        "notes": [{"file": "test/a/1.png", "levels": 3}],
        "ignored_files": {"hidden": 3, "video": 2},
        "near_duplicates": 0,
        "groups_of_near_duplicates": 0,
    }
    assert make_report(outcomes, data(rename=True)) == report | {
        "rejected": [{"reason": "broken"}],
        "notes": [{"levels": 3}],
        "dropped_from_train": [{"equals": "test/a/1.png"}, {"same_group_as": "test/a/1.png"}],
    }
    grouped = make_report(outcomes, data(group_pattern=r"/g(\d)_"))
    assert grouped == report | {"images_without_group": 1}


class Decoder:
    """Takes files, some of them broken, and remembers which it was asked for in each round."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.rounds: list[list[str]] = []

    @property
    def asked(self) -> list[str]:
        return [path for paths in self.rounds for path in paths]

    def __call__(self, files: list[SourceFile]) -> list[Outcome]:
        self.rounds.append([file.path for file in files])
        whole = [Outcome(file, pixel_hash=file.path.encode()) for file in files]
        return [Outcome(each.source, rejected="broken") if each.source.path in self.broken else each for each in whole]


@pytest.mark.parametrize("seed", range(5))
def test_broken_files_use_up_no_place_in_test_and_each_file_is_decoded_once(seed):
    files = numbered("/a", 11) + numbered("/b", 11)
    params = data(seed=seed, test_fraction=0.2)
    broken = [f"/a/{number:04}.png" for number in (seed, seed + 3, seed + 6)]
    decoder = Decoder(*broken)
    results, drawn = decode_wanted(files, params, decoder)
    assert drawn == decode_wanted([file for file in files if file.path not in broken], params, Decoder())[1]
    counts = [sum(split == "test" for path, split in drawn.splits.items() if path[:2] == name) for name in ("/a", "/b")]
    assert counts == [2, 2]
    assert len(drawn.splits) == 19
    assert sorted(decoder.asked) == sorted(results) == [file.path for file in files]


@pytest.mark.parametrize("own", [False, True])
def test_only_files_that_are_used_are_decoded_and_another_for_each_broken_one(own):
    folders = [f"{split}/{name}" for split in ("train", "test") for name in "ab"] if own else ["/a", "/b"]
    files = [file for folder in folders for file in numbered(folder, 60 if own else 120)]
    params, decoder = data(max_per_class=20), Decoder()
    used = decode_wanted(files, params, decoder)[1].splits
    assert sorted(decoder.asked) == list(used)
    assert len(used) == 80
    broken = [path for path in used if path.endswith(("3.png", "7.png")) and "/a/" in path]
    results, drawn = decode_wanted(files, params, Decoder(*broken))
    assert len(drawn.splits) == 80
    assert not drawn.splits.keys() & set(broken)
    assert set(broken) <= results.keys()
    assert len(results) <= 80 + 3 * len(broken)


def test_class_of_broken_files_takes_few_rounds():
    files = numbered("/a", 500) + numbered("/b", 500)
    decoder = Decoder(*(file.path for file in files if file.path.startswith("/a")))
    results, drawn = decode_wanted(files, data(max_per_class=1), decoder)
    assert {path[:2] for path in drawn.splits} == {"/b"}
    assert len(decoder.rounds) < 13
    assert sum(path.startswith("/b") for path in results) == 2


def test_training_files_whose_group_is_in_test_alone_by_broken_files_are_taken():
    files = [file(path) for path in ("test/a/g1_.png", "test/a/g2_.png", "train/a/g1_.png", "train/a/g2_.png")]
    results, drawn = decode_wanted(files, data(group_pattern=r"/g(\d)_"), Decoder("test/a/g1_.png"))
    assert drawn == Drawn({"test/a/g2_.png": "test", "train/a/g1_.png": "train"}, {"train/a/g2_.png": files[1]})
    assert "train/a/g2_.png" not in results
