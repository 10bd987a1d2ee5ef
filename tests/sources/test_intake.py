from pathlib import Path

import pytest

from stages.core.params import DataParams, load_params
from stages.sources.finding import SourceFile
from stages.sources.intake import Intake, Taken, make_report, sort_out, take_in
from stages.sources.splitting import Drawn
from tests.clones import ROOT

PARAMS = load_params(ROOT / "params.yaml").data.model_copy(update={"source": "source"})


def data(**changes) -> DataParams:
    return PARAMS.model_copy(update=changes)


def file(path: str) -> SourceFile:
    return SourceFile(path, Path("source") / path.removeprefix("/"))


def taken(path: str, pixel_hash: str = "", **others) -> Taken:
    return Taken(file(path), path, pixel_hash, **others)


def sorted_out(results: list[Taken], ignored: int = 0, straddling: dict[str, SourceFile] | None = None) -> Intake:
    files = [image.source for image in results]
    wanted = {image.source.path: image.source.split for image in results if image.pixel_hash}
    named = {image.source.path: image._replace(path="") for image in results}
    names = {path: path for path in wanted}
    return sort_out(files, named, Drawn(wanted, straddling or {}), names, ignored)


def test_each_result_is_sorted_out_once():
    kept = [taken("train/a/1.png", "one"), taken("train/a/2.png", "one"), taken("test/a/3.png", "two")]
    rejected, dropped = Taken(file("test/a/4.png"), rejected="broken"), taken("train/b/5.png", "two")
    results = [dropped, kept[0], rejected, *kept[1:]]
    assert sorted_out(results, 7) == Intake(kept, [rejected], [(dropped, "test/a/3.png")], 7)


def test_first_of_equal_test_images_is_named():
    results = [taken(path, "same") for path in ("test/a/1.png", "test/a/2.png", "train/a/3.png")]
    assert sorted_out(results).dropped == [(results[2], "test/a/1.png")]


def test_rejected_file_is_no_leak():
    results = [Taken(file(path), rejected="broken") for path in ("test/a/1.png", "train/a/3.png")]
    assert sorted_out(results) == Intake([], results, [], 0)


def test_training_file_whose_group_is_in_test_is_dropped_whether_it_was_decoded_or_not():
    test, left_out = taken("test/a/1.png", "one"), file("train/a/2.png")
    intake = sorted_out([test, taken(left_out.path)], straddling={left_out.path: test.source})
    assert intake == Intake([test], [], [(taken(left_out.path), "test/a/1.png")], 0)
    assert intake.dropped[0][0].relation == "same group as"


def test_images_get_their_split_in_their_names():
    images = [taken("/a/1.jpg", "one"), taken("/a/2.jpg", "two")]
    drawn = Drawn({"/a/1.jpg": "test", "/a/2.jpg": "train"}, {})
    names = {"test/a/1.jpg": "test/a/1.png", "train/a/2.jpg": "train/a/2.png"}
    files = [image.source for image in images]
    intake = sort_out(files, {image.source.path: image for image in images}, drawn, names, 0)
    assert [image.path for image in intake.kept] == ["test/a/1.png", "train/a/2.png"]


def test_report_counts_and_names_what_was_not_taken_in():
    intake = Intake(
        [taken("test/a/1.png", "x", size=(2, 3)), taken("train/a/g2_.png", "y", size=(4, 5))],
        [taken("train/a/3.png", rejected="broken")],
        [(taken("train/a/4.png", "x"), "test/a/1.png"), (taken("train/a/5.png"), "test/a/1.png")],
        5,
    )
    report = make_report(intake, PARAMS, with_names=True)
    assert report == {
        "images": {"train": {"a": 1}, "test": {"a": 1}},
        "size": {"height": {"min": 2, "median": 3, "max": 4}, "width": {"min": 3, "median": 4, "max": 5}},
        "rejected": [{"file": "train/a/3.png", "reason": "broken"}],
        "dropped_from_train": [
            {"image": "train/a/4.png", "equals": "test/a/1.png"},
            {"image": "train/a/5.png", "same_group_as": "test/a/1.png"},
        ],
        "ignored_files": 5,
    }
    assert make_report(intake, PARAMS, with_names=False) == report | {
        "rejected": [{"reason": "broken"}],
        "dropped_from_train": [{"equals": "test/a/1.png"}, {"same_group_as": "test/a/1.png"}],
    }
    params = data(group_pattern=r"/g(\d)_")
    assert make_report(intake, params, with_names=True) == report | {"images_without_group": 1}


class Decoder:
    """Takes files, some of them broken, and remembers which it was asked for."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.asked: list[str] = []

    def __call__(self, files: list[SourceFile]) -> list[Taken]:
        self.asked += [file.path for file in files]
        return [
            Taken(file, rejected="broken") if file.path in self.broken else Taken(file, pixel_hash=file.path)
            for file in files
        ]


def numbered(folder: str, count: int) -> list[SourceFile]:
    return [file(f"{folder}/{number:04}.png") for number in range(count)]


def splits(files: list[SourceFile], params: DataParams, *broken: str) -> dict[str, str]:
    return take_in(files, params, Decoder(*broken))[1].splits


@pytest.mark.parametrize("seed", range(20))
def test_broken_files_use_up_no_place_in_test(seed):
    files = numbered("/a", 11) + numbered("/b", 11)
    params = data(seed=seed, test_fraction=0.2)
    broken = [f"/a/{number:04}.png" for number in (seed % 11, (seed + 4) % 11, (seed + 7) % 11)]
    drawn = splits(files, params, *broken)
    assert drawn == splits([file for file in files if file.path not in broken], params)
    counts = [sum(split == "test" for path, split in drawn.items() if path.startswith(name)) for name in ("/a", "/b")]
    assert counts == [2, 2]
    assert len(drawn) == 19


def test_each_file_is_decoded_once():
    decoder = Decoder("/a/0001.png", "/b/0002.png")
    results, _ = take_in(numbered("/a", 11) + numbered("/b", 11), PARAMS, decoder)
    assert len(decoder.asked) == len(set(decoder.asked)) == len(results) == 22


def test_files_that_cannot_be_used_are_not_decoded():
    files, decoder = numbered("/a", 1300) + numbered("/b", 1300), Decoder()
    _, drawn = take_in(files, data(max_per_class=100), decoder)
    assert sorted(decoder.asked) == list(drawn.splits)
    assert len(drawn.splits) == 400


@pytest.mark.parametrize("own", [False, True])
def test_for_each_broken_file_another_is_decoded(own):
    folders = [f"{split}/{name}" for split in ("train", "test") for name in "ab"] if own else ["/a", "/b"]
    files = [file for folder in folders for file in numbered(folder, 650 if own else 1300)]
    params = data(max_per_class=100)
    broken = [path for path in splits(files, params) if path.endswith(("3.png", "7.png")) and "/a/" in path]
    decoder = Decoder(*broken)
    results, drawn = take_in(files, params, decoder)
    assert len(drawn.splits) == 400
    assert not drawn.splits.keys() & set(broken)
    assert set(broken) <= results.keys()
    assert len(results) <= 400 + 3 * len(broken)


def test_class_of_broken_files_takes_few_rounds():
    files = numbered("/a", 2000) + numbered("/b", 2000)
    rounds = []
    decoder = Decoder(*(file.path for file in files if file.path.startswith("/a")))

    def counted(some: list[SourceFile]) -> list[Taken]:
        rounds.append(len(some))
        return decoder(some)

    results, drawn = take_in(files, data(max_per_class=1), counted)
    assert {path[:2] for path in drawn.splits} == {"/b"}
    assert len(rounds) < 15
    assert sum(path.startswith("/b") for path in results) == 2


def test_training_files_whose_group_is_in_test_alone_by_broken_files_are_taken():
    files = [file(path) for path in ("test/a/g1_.png", "test/a/g2_.png", "train/a/g1_.png", "train/a/g2_.png")]
    results, drawn = take_in(files, data(group_pattern=r"/g(\d)_"), Decoder("test/a/g1_.png"))
    assert drawn == Drawn({"test/a/g2_.png": "test", "train/a/g1_.png": "train"}, {"train/a/g2_.png": files[1]})
    assert "train/a/g2_.png" not in results
