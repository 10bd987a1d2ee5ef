"""Files of a source are found with their class and split, whatever layout it has, or the mistake in it is named."""

import errno
import os
from pathlib import Path

import cv2
import pytest

from stages.core.errors import PipelineError
from stages.sources.files import LONGEST_PATH, Origin, RejectedImage, SourceFile, link_limit, read_source
from stages.sources.finding import find_sources
from tests.faults import message_of
from tests.sources.builders import SOURCE, data, put

TRAIN, TEST = ["train/a/1.png", "train/b/2.png"], ["test/a/3.png", "test/b/4.png"]
VAL = ["val/a/3.png", "val/b/4.png"]
TABLES = ["identities.csv", "regions.csv"]
LEFT = ["train/__MACOSX/a/1.jpg", "test/a/@eaDir/3.jpg/x.jpg", "#recycle/x.png", "train/b/Thumbs.db"]
WHOLE = ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]
LEADS_OUT = "the link leads out of data.source (data.follow_outside_links: false)"


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/2.png").write_bytes(b"y")
    return tmp_path / "outside"


def found(**changes) -> list[str]:
    return [file.path for file in find_sources(data(**changes))[0]]


def below_split(**changes) -> dict[str, SourceFile]:
    return {file.below_split[1:]: file for file in find_sources(data(**changes))[0]}


def reason_of(file: SourceFile, within: Path | None = SOURCE) -> str:
    return message_of(RejectedImage, read_source, file, max_bytes=1000, within=within)


# Beside each other they are all found as TRAIN and TEST, but for so many files that are ignored.
LAYOUTS = {
    "train and test": ([*TRAIN, *TEST], {}),
    "train and val": ([*TRAIN, *VAL], {}),
    "validation": ([*TRAIN, "validation/a/3.png", "validation/b/4.png"], {}),
    "capitals": (["Train/a/1.png", "Train/b/2.png", "VAL/a/3.png", "VAL/b/4.png"], {}),
    "val beside test": ([*TRAIN, *TEST, *VAL, "notes.txt"], {"outside any class": 2, "text": 1}),
    "test of files": ([*TRAIN, "test/3.png", "test/.cache/4.png", *VAL], {"hidden": 1, "outside any class": 1}),
    "hidden": ([*TRAIN, *TEST, "train/a/.DS_Store", "test/b/.cache/1.png", ".git/x/y", ".hidden"], {"hidden": 4}),
    "not in a class": ([*TRAIN, *TEST, "train/readme.txt", "test/7.png", *TABLES], {"outside any class": 1, "text": 1}),
    "left by other programs": ([*TRAIN, *TEST, *LEFT], {"__MACOSX": 1, "@eaDir": 1, "#recycle": 1, "Thumbs.db": 1}),
}


@pytest.mark.parametrize(("paths", "ignored"), LAYOUTS.values(), ids=LAYOUTS)
def test_images_of_classes_are_found_with_their_split_and_other_files_counted(paths, ignored):
    put(*paths)
    files, count = find_sources(data())
    assert ([file.path for file in files], count) == ([*TEST, *TRAIN], ignored)
    assert all((SOURCE / file.in_source).is_file() for file in files)


@pytest.mark.parametrize(("top", "name"), [("", "car"), ("train/", "train"), ("train/", "test")])
def test_without_test_there_is_no_split(tmp_path, top, name):
    put(f"{top}a/x.png/1.png", f"{top}{name}/2.png")
    files, _ = find_sources(data(source=str(tmp_path / "source")))
    assert [(file.path, file.split, file.class_name, file.below_split) for file in files] == [
        ("/a/x.png/1.png", "", "a", "/a/x.png/1.png"),
        (f"/{name}/2.png", "", name, f"/{name}/2.png"),
    ]


def test_without_classes_images_are_found_in_any_folder_and_at_the_top(outside):
    images = ["1.png", "2020/may/2.png", "test/3.png", "train/a/4.png", "regions.csv/5.png"]
    ignored = [".hidden.png", "2020/.cache/6.png", "notes.txt", "2020/groups.csv"]
    put(*images, *ignored, "identities.csv", "empty/")
    (SOURCE / "groups.csv").symlink_to(outside)  # a folder that is called like a table is none
    files, count = find_sources(data(classes="none"))
    assert [file.in_source for file in files] == sorted([*images, "groups.csv"])
    assert {(file.split, file.class_name) for file in files} == {("", "")}
    assert count == {"hidden": 2, "text": 2}
    assert [reason_of(file) for file in files if (SOURCE / file.in_source).is_symlink()] == [LEADS_OUT]


def test_a_source_without_any_image_is_refused():
    put("notes.txt", ".hidden.png", "regions.csv", "empty/")
    said = message_of(PipelineError, find_sources, data(classes="none"))
    assert said == "`data.source` must hold images; received: none in `source`"


def test_files_that_are_images_neither_by_name_nor_by_content_are_ignored(noise):
    taken = {"broken.jpg": b"Dear diary", "moving.gif~": b"GIF89a", "bare": b"GIF89a"}
    taken["photo.backup"] = cv2.imencode(".jpg", noise())[1].tobytes()
    strange = {"note.txt": b"Dear diary", "2.xmp": b"<x/>", "Thumbs.db": b"\xd0\xcf\x11\xe0"}
    strange |= {"x.aae": b"", "x.MOV": b"", "LICENSE": b"MIT"}
    put(*WHOLE)
    for name, content in (taken | strange).items():
        (SOURCE / "a" / name).write_bytes(content)
    files, ignored = find_sources(data())
    assert {file.path.rpartition("/")[2] for file in files} == {"1.png", "2.png", *taken}
    assert ignored == {"text": 3, "Thumbs.db": 1, "video": 1, "without extension": 1}


# The files of a source, and what the error must name.
MISTAKES = {
    "missing": ([], "`data.source` must be a folder", "source (no such folder)"),
    "images alone": (["1.png", "2.png"], "one a class", "`source`", "`data.classes: none`"),
    "no train": (["test/a/1.png", "test/b/1.png"], "must hold `train` beside `test`"),
    "test and val of files": ([*TRAIN, "test/3.png", "val/4.png"], "one a class", "`source/test`"),
    "class called train": (["train/1.png", "train/.cache/1.png", "car/1.png"], "`source/train`", "test/train/..."),
    "class called val": (["val/1.png", "car/1.png"], "`source/val`", "test/val/..."),
    "empty class": ([*TRAIN, *TEST, "test/c/"], "every class folder", "`source/test/c`"),
    "class of hidden files": ([*WHOLE, "c/.DS_Store"], "every class folder", "`source/c`"),
    "one class": (WHOLE[:2], "at least 2 classes; received: a"),
    "other classes": ([*TRAIN, *TEST, "test/c/1.png", "train/d/1.png"], "the same classes", "c, d"),
    "case": (["Dog/1.png", "dog/1.png"], "names of classes", "Dog and dog"),
    "composition": (["\u00e9/1.png", "e\u0301/1.png"], "names of classes", "e\u0301 and \u00e9"),
    "line break": (["a\nb/1.png", "a_nb/1.png"], "names of classes", "a\\nb and a_nb"),
}


@pytest.mark.parametrize(("paths", "named"), [(paths, named) for paths, *named in MISTAKES.values()], ids=MISTAKES)
def test_a_mistake_in_the_layout_is_named(paths, named):
    put(*paths)
    said = message_of(PipelineError, find_sources, data())
    assert all(words in said for words in named)


@pytest.mark.parametrize("reached", ["source", "link to it"])
def test_links_out_of_the_source_are_rejected_unless_they_are_asked_for(outside, reached):
    put(*WHOLE, "more/3.png")
    (SOURCE / "b/file.png").symlink_to(outside / "2.png")
    (SOURCE / "b/folder").symlink_to(outside)
    (SOURCE / "b/within.png").symlink_to("../more/3.png")
    Path("link to it").symlink_to("source")
    files = below_split(source=reached)
    assert files.keys() == {*WHOLE, "more/3.png", "b/file.png", "b/folder", "b/within.png"}
    assert {reason_of(files[link], Path(reached)) for link in ("b/file.png", "b/folder")} == {LEADS_OUT}
    assert read_source(files["b/within.png"], max_bytes=1000, within=Path(reached)) == b"more/3.png"
    asked_for = data(source=reached, follow_outside_links=True)
    files = below_split(source=reached, follow_outside_links=True)
    for link in ("b/file.png", "b/folder/2.png"):
        assert read_source(files[link], max_bytes=1000, within=link_limit(asked_for)) == b"y"


@pytest.mark.parametrize("name", ["train", "test", "train/b", "test/b"])
def test_split_or_class_that_is_a_link_out_of_the_source_is_named(outside, name):
    put(*TRAIN, *TEST)
    (SOURCE / name).rename(outside / "moved")
    (SOURCE / name).symlink_to(outside / "moved")
    assert message_of(PipelineError, find_sources, data()).endswith(f"is true; received: `source/{name}`")
    assert found(follow_outside_links=True) == [*TEST, *TRAIN]


def test_link_out_of_the_source_beside_its_classes_is_one_ignored_file(outside):
    put(*TRAIN, *TEST)
    (outside / "3.png").touch()
    for name in ("val", "more"):
        (SOURCE / name).symlink_to(outside)
    assert find_sources(data())[1] == {"without extension": 2}
    assert find_sources(data(follow_outside_links=True))[1] == {"outside any class": 4}


def test_what_may_not_be_read_is_rejected(lock, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # root is refused nothing

    put(*WHOLE, "a/locked/3.png")
    lock("locked")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    files = below_split()
    assert reason_of(files["a/locked"]) == "the folder cannot be listed (Permission denied)"
    assert reason_of(files["a/1.png"]) == "the file cannot be read (Permission denied)"


@pytest.mark.parametrize(("name", "named"), [("b", "train/b"), ("train", "train"), ("test", "test"), ("source", "")])
def test_source_split_or_class_that_cannot_be_listed_is_named(lock, name, named):
    put(*TRAIN, *TEST)
    lock(name)
    assert message_of(PipelineError, find_sources, data()).endswith(f"received: {SOURCE / named} (Permission denied)")


def test_folder_outside_any_class_that_cannot_be_listed_is_one_ignored_file(lock):
    put(*TRAIN, *TEST, "lost+found/5.png", "notes/6.png")
    lock("lost+found")
    assert find_sources(data())[1] == {"lost+found": 1, "outside any class": 1}


def test_longest_path_is_taken_and_a_longer_one_is_rejected():
    above = "/".join(["d" * 99] * 7)
    longest = f"a/{above}/{'x' * (LONGEST_PATH - len(above) - 8)}.png"
    put("a/1.png", longest)
    file = SourceFile(f"/{longest}", Origin("source"))
    assert len(file.path) == LONGEST_PATH
    assert read_source(file, max_bytes=LONGEST_PATH, within=SOURCE) == longest.encode()
    assert reason_of(file._replace(path=f"/{longest}x")) == f"the path is longer than {LONGEST_PATH} bytes"
