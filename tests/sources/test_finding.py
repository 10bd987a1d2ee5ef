"""Files of a source are found with their class and split, whatever layout it has, or the mistake in it is named."""

import errno
import os
import random
from pathlib import Path

import cv2
import pytest

from stages.core.errors import PipelineError
from stages.core.params import DataParams, load_params
from stages.sources.decoding import RejectedImage
from stages.sources.finding import SourceFile, find_sources, link_limit, read_source
from stages.sources.walking import LONGEST_PATH
from tests.clones import ROOT

DEFAULTS = load_params(ROOT / "params.yaml").data
SPLIT = ["train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png"]
WHOLE = ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]
LEADS_OUT = "the link leads out of data.source (data.follow_outside_links: false)"
TAKEN_ALREADY = "the folder was taken already, or a link in it leads to a folder above"


@pytest.fixture
def source(tmp_path, monkeypatch):
    """The function that makes small files in a source folder, and folders where a path ends with a slash."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "source"

    def make(*paths: str) -> Path:
        for path in paths:
            (folder / path[: path.rfind("/") + 1]).mkdir(parents=True, exist_ok=True)
            if not path.endswith("/"):
                (folder / path).write_bytes(b"x")
        return folder

    return make


@pytest.fixture
def outside(source):
    """A folder beside the source, with one file."""
    folder = source().parent / "outside"
    folder.mkdir()
    (folder / "2.png").write_bytes(b"y")
    return folder


def settings(**changes) -> DataParams:
    return DEFAULTS.model_copy(update={"source": "source", **changes})


def found(**changes) -> list[str]:
    return [file.path for file in find_sources(settings(**changes))[0]]


def below_class(files: list[SourceFile]) -> dict[str, SourceFile]:
    return {file.below_split[1:]: file for file in files}


def message_of(**changes) -> str:
    with pytest.raises(PipelineError) as caught:
        find_sources(settings(**changes))
    return str(caught.value)


def reason_of(file: SourceFile, within: Path | None = Path("source")) -> str:
    with pytest.raises(RejectedImage) as caught:
        read_source(file, max_bytes=1000, within=within)
    return str(caught.value)


def test_files_are_found_with_their_split_and_class(source):
    folder = source(*SPLIT, "train/a/x/y/5.jpg", "test/a/z.png/6.png")
    files, ignored = find_sources(settings())
    below = ["test/a/3.png", "test/a/z.png/6.png", "test/b/4.png", "train/a/1.png", "train/a/x/y/5.jpg"]
    assert files == [SourceFile(path, Path("source", path)) for path in [*below, "train/b/2.png"]]
    assert ignored == 0
    assert (files[1].split, files[1].class_name, files[1].below_split) == ("test", "a", "/a/z.png/6.png")
    assert found(source=str(folder)) == [file.path for file in files]


@pytest.mark.parametrize(("top", "name"), [("", "car"), ("train/", "train")])
def test_without_test_there_is_no_split(source, top, name):
    source(f"{top}a/x/1.png", f"{top}{name}/2.png")
    files, _ = find_sources(settings())
    assert [(file.path, file.split, file.class_name, file.below_split) for file in files] == [
        ("/a/x/1.png", "", "a", "/a/x/1.png"),
        (f"/{name}/2.png", "", name, f"/{name}/2.png"),
    ]


@pytest.mark.parametrize("train", ["train", "Train"])
@pytest.mark.parametrize("test", ["test", "val", "validation", "Test", "VAL"])
def test_splits_have_several_names(source, train, test):
    source(*(path.replace("train", train).replace("test", test) for path in SPLIT))
    assert found() == sorted(SPLIT)


IGNORED = {
    "validation beside test": (["val/a/5.png", "val/b/6.png", "notes.txt"], 3),
    "hidden": (["train/a/.DS_Store", "test/b/.cache/1.png", ".git/x/y", ".hidden"], 4),
    "not in a class": (["train/readme.txt", "test/7.png", "identities.csv"], 2),
}


@pytest.mark.parametrize(("others", "ignored"), IGNORED.values(), ids=IGNORED)
def test_what_is_no_image_of_a_class_is_counted_as_ignored(source, others, ignored):
    source(*SPLIT, *others)
    files, count = find_sources(settings())
    assert count == ignored
    assert len(files) == len(SPLIT)


def test_a_test_without_classes_is_passed_over_for_validation(source):
    source("train/a/1.png", "train/b/2.png", "val/a/3.png", "val/b/4.png", "test/3.png", "test/.cache/4.png")
    files, ignored = find_sources(settings())
    assert [file.path for file in files] == sorted(SPLIT)
    assert ignored == 2


def test_files_that_are_images_neither_by_name_nor_by_content_are_ignored(source, noise):
    folder = source(*WHOLE)
    taken = {
        "photo.backup": cv2.imencode(".jpg", noise())[1].tobytes(),
        "broken.jpg": b"Dear diary",
        "moving.gif~": b"GIF89a",
        "bare": b"Dear diary",
    }
    others = {"note.txt": b"Dear diary", "2.xmp": b"<x/>", "Thumbs.db": b"\xd0\xcf\x11\xe0", "x.aae": b""}
    for name, content in (taken | others).items():
        (folder / "a" / name).write_bytes(content)
    files, ignored = find_sources(settings())
    assert {file.file.name for file in files} == {"1.png", "2.png", *taken}
    assert ignored == len(others)


def test_order_of_listing_does_not_matter(source, monkeypatch):
    source(*(f"{folder}/{number:02}.png" for folder in ("a/x", "a/y", "b") for number in range(12)))
    expected = find_sources(settings())
    listing = Path.iterdir

    def shuffled(folder: Path):
        entries = list(listing(folder))
        random.Random(len(entries)).shuffle(entries)
        return iter(entries)

    monkeypatch.setattr(Path, "iterdir", shuffled)
    assert find_sources(settings()) == expected


NO_CLASSES = "`data.source` must hold folders of images, one a class; received: none in `source{}`"
NO_TRAIN = "`data.source` must hold `train` beside `{0}`; received: source without it"
FILES_ALONE = (
    "`source/{0}` must hold class folders; received: files alone; if `{0}` is a class, put all classes into folders "
    "train and test above them: train/{0}/..., test/{0}/..."
)
EMPTY_CLASS = "every class folder must hold images; received: none in `source/{}`"
ALIKE = "the names of classes must differ in more than case and spelling; received: {}"
MISTAKES = {
    "empty": (["x/"], EMPTY_CLASS.format("x")),
    "files alone": (["1.png", "2.png"], NO_CLASSES.format("")),
    "hidden alone": ([".git/config"], NO_CLASSES.format("")),
    "no train": (["test/a/1.png", "test/b/1.png"], NO_TRAIN.format("test")),
    "validation without train": (["validation/a/1.png"], NO_TRAIN.format("validation")),
    "empty train": (["train/", "car/1.png"], NO_CLASSES.format("/train")),
    "test of files": ([*SPLIT[:2], "test/3.png"], NO_CLASSES.format("/test")),
    "test and validation of files": ([*SPLIT[:2], "test/3.png", "val/4.png"], NO_CLASSES.format("/test")),
    "class called train": (["train/1.png", "train/.cache/1.png", "car/1.png"], FILES_ALONE.format("train")),
    "class called Train": (["Train/1.png", "car/1.png", "test/x/1.png"], FILES_ALONE.format("Train")),
    "class called test": (["test/1.png", "car/1.png"], FILES_ALONE.format("test")),
    "class called val": (["val/1.png", "car/1.png"], FILES_ALONE.format("val")),
    "empty class": ([*SPLIT, "test/c/"], EMPTY_CLASS.format("test/c")),
    "class of hidden files": ([*WHOLE, "c/.DS_Store"], EMPTY_CLASS.format("c")),
    "one class": (WHOLE[:2], "`data.source` must hold at least 2 classes; received: a"),
    "other classes": (
        [*SPLIT, "test/c/1.png", "train/d/1.png"],
        "train and test must have the same classes; received only in one of them: c, d",
    ),
    "case": (["Dog/1.png", "dog/1.png"], ALIKE.format("Dog and dog")),
    "composition": (["\u00e9/1.png", "e\u0301/1.png"], ALIKE.format("e\u0301 and \u00e9")),
    "backslash": (["a\\b/1.png", "a_b/1.png"], ALIKE.format("a\\b and a_b")),
    "line break": (["a\nb/1.png", "a_nb/1.png"], ALIKE.format("a\\nb and a_nb")),
}


@pytest.mark.parametrize(("paths", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_layout_is_named(source, paths, message):
    source(*paths)
    assert message_of() == message


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_source_that_is_no_folder_is_refused(source, kind):
    if kind == "file":
        source().write_bytes(b"")
    assert message_of() == "`data.source` must be a folder of images; received: source (no such folder)"


@pytest.mark.parametrize("reached", ["source", "link to it"])
def test_links_out_of_the_source_are_rejected_unless_they_are_asked_for(source, outside, reached):
    folder = source(*WHOLE)
    (folder / "b/file.png").symlink_to(outside / "2.png")
    (folder / "b/folder").symlink_to(outside)
    (folder.parent / "link to it").symlink_to(folder)
    files = below_class(find_sources(settings(source=reached))[0])
    assert files.keys() == {*WHOLE, "b/file.png", "b/folder"}
    for link in ("b/file.png", "b/folder"):
        assert reason_of(files[link], Path(reached)) == LEADS_OUT
    asked_for = settings(source=reached, follow_outside_links=True)
    files = below_class(find_sources(asked_for)[0])
    assert files.keys() == {*WHOLE, "b/file.png", "b/folder/2.png"}
    for link in ("b/file.png", "b/folder/2.png"):
        assert read_source(files[link], max_bytes=1000, within=link_limit(asked_for)) == b"y"


def test_links_within_the_source_are_followed(source):
    folder = source(*WHOLE, "more/.kept/2.png", "more/3.png")
    (folder / "b/file.png").symlink_to("../a/1.png")
    (folder / "b/folder").symlink_to("../more/.kept")
    files = below_class(find_sources(settings())[0])
    for name in ("b/file.png", "b/folder/2.png"):
        assert read_source(files[name], max_bytes=1000, within=Path("source")) == b"x"


@pytest.mark.parametrize("name", ["train", "test", "train/b", "test/b"])
def test_split_or_class_that_is_a_link_out_of_the_source_is_named(source, outside, name):
    folder = source(*SPLIT)
    (folder / name).rename(outside / "moved")
    (folder / name).symlink_to(outside / "moved")
    assert message_of() == (
        "a folder of `data.source` must not be a link that leads out of it, unless `data.follow_outside_links` is "
        f"true; received: `source/{name}`"
    )
    assert found(follow_outside_links=True) == sorted(SPLIT)


def test_link_out_of_the_source_beside_its_classes_is_one_ignored_file(source, outside):
    folder = source(*SPLIT)
    (outside / "3.png").write_bytes(b"y")
    for name in ("val", "more"):
        (folder / name).symlink_to(outside)
    assert find_sources(settings())[1] == 2
    assert find_sources(settings(follow_outside_links=True))[1] == 4


# What cannot be read: how it comes to be at a/x.png, and the reason.
UNREADABLE = {
    "folder of the class": (lambda file: file.symlink_to("."), TAKEN_ALREADY),
    "folder above the source": (lambda file: file.symlink_to("../.."), LEADS_OUT),
    "link to nothing": (lambda file: file.symlink_to("no"), f"the file cannot be read ({os.strerror(errno.ENOENT)})"),
    "loop": (lambda file: file.symlink_to("x.png"), f"the file cannot be read ({os.strerror(errno.ELOOP)})"),
    "pipe": (os.mkfifo, "not a regular file"),
    "too long": (lambda file: os.truncate(file, 2**40), f"{2**40} bytes are more than an image of data.max_pixels has"),
}


@pytest.mark.parametrize(("make", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_rejected_with_its_reason(source, make, reason):
    file = source(*WHOLE) / "a/x.png"
    if reason.endswith("has"):
        file.touch()
    make(file)
    assert reason_of(below_class(find_sources(settings())[0])["a/x.png"]) == reason


def test_link_to_a_folder_above_the_source_is_rejected_also_where_links_may_lead_out(source):
    (source(*WHOLE) / "a/up").symlink_to("../..")
    files = find_sources(settings(follow_outside_links=True))[0]
    assert reason_of(below_class(files)["a/up"], within=None) == TAKEN_ALREADY


def test_file_that_may_not_be_read_is_rejected(source, monkeypatch):
    file = SourceFile("train/a/1.png", source("a/1.png") / "a/1.png")

    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # root is refused nothing

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert reason_of(file) == "the file cannot be read (Permission denied)"


def test_folder_in_a_class_that_cannot_be_listed_is_rejected(source, lock):
    source(*WHOLE, "a/locked/3.png")
    lock("locked")
    files, ignored = find_sources(settings())
    assert (len(files), ignored) == (5, 0)
    assert reason_of(below_class(files)["a/locked"]) == "the folder cannot be listed (Permission denied)"


@pytest.mark.parametrize(("name", "named"), [("b", "train/b"), ("train", "train"), ("test", "test"), ("source", "")])
def test_source_split_or_class_that_cannot_be_listed_is_named(source, lock, name, named):
    source(*SPLIT)
    lock(name)
    assert message_of() == f"`data.source` must be readable; received: {Path('source', named)} (Permission denied)"


def test_folder_outside_any_class_that_cannot_be_listed_is_one_ignored_file(source, lock):
    source(*SPLIT, "lost+found/5.png", "notes/6.png")
    lock("lost+found")
    assert find_sources(settings())[1] == 2


def test_longest_path_is_taken_and_a_longer_one_is_rejected(source):
    file = source("a/1.png") / "a/1.png"
    whole = SourceFile("x" * LONGEST_PATH, file)
    assert read_source(whole, max_bytes=1, within=Path("source")) == b"x"
    assert reason_of(SourceFile("x" * (LONGEST_PATH + 1), file)) == f"the path is longer than {LONGEST_PATH} bytes"
