import errno
import os
import random
from collections import Counter
from pathlib import Path

import cv2
import pytest

from stages.core.errors import PipelineError
from stages.core.params import DataParams, load_params
from stages.sources.decoding import RejectedImage
from stages.sources.finding import SourceFile, find_sources, link_limit, read_source
from stages.sources.walking import LONGEST_PATH

not_as_root = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")


@pytest.fixture
def source(workspace):
    """The function that makes empty files in a source folder; what is found does not depend on what they hold."""
    folder = workspace() / "source"

    def make(*paths: str) -> Path:
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(b"x")
        return folder

    return make


def settings(**changes) -> DataParams:
    return load_params().data.model_copy(update={"source": "source", **changes})


def found(**changes) -> list[str]:
    return [file.path for file in find_sources(settings(**changes))[0]]


def read(file: SourceFile) -> bytes:
    return read_source(file, max_bytes=1000, within=Path("source"))


def message_of(**changes) -> str:
    with pytest.raises(PipelineError) as caught:
        find_sources(settings(**changes))
    return str(caught.value)


def numbered(folder: str, count: int) -> list[str]:
    return [f"{folder}/{number:03d}.png" for number in range(count)]


def test_own_split_is_kept(source):
    folder = source("train/a/1.png", "train/b/2.jpg", "test/a/3.png", "test/b/4.png")
    files, ignored = find_sources(settings())
    assert files == [
        SourceFile("test/a/3.png", Path("source/test/a/3.png")),
        SourceFile("test/b/4.png", Path("source/test/b/4.png")),
        SourceFile("train/a/1.png", Path("source/train/a/1.png")),
        SourceFile("train/b/2.jpg", Path("source/train/b/2.jpg")),
    ]
    assert ignored == 0
    assert all(file.file.is_file() for file in files)
    assert found(source=str(folder)) == [file.path for file in files]


@pytest.mark.parametrize("name", ["val", "validation", "Test", "VAL"])
def test_other_names_of_test_are_known(source, name):
    source("train/a/1.png", "train/b/2.png", f"{name}/a/3.png", f"{name}/b/4.png")
    assert found() == ["test/a/3.png", "test/b/4.png", "train/a/1.png", "train/b/2.png"]


def test_train_may_be_capitalized(source):
    source("Train/a/1.png", "Train/b/2.png", "Test/a/3.png", "Test/b/4.png")
    assert found() == ["test/a/3.png", "test/b/4.png", "train/a/1.png", "train/b/2.png"]


def test_test_comes_before_validation_which_is_counted_as_ignored(source):
    source("train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png", "val/a/5.png", "val/b/6.png", "notes.txt")
    files, ignored = find_sources(settings())
    assert [file.path for file in files] == ["test/a/3.png", "test/b/4.png", "train/a/1.png", "train/b/2.png"]
    assert ignored == 3


def test_a_test_without_classes_is_passed_over_for_validation(source):
    source("train/a/1.png", "train/b/2.png", "val/a/5.png", "val/b/6.png", "test/3.png", "test/.cache/4.png")
    files, ignored = find_sources(settings())
    assert [file.path for file in files] == ["test/a/5.png", "test/b/6.png", "train/a/1.png", "train/b/2.png"]
    assert ignored == 2


@pytest.mark.parametrize("others", [[], ["val/4.png"]])
def test_a_test_without_classes_is_refused_where_validation_has_none_either(source, others):
    source("train/a/1.png", "train/b/2.png", "test/3.png", *others)
    assert message_of() == "`data.source` must hold folders of images, one a class; received: none in `source/test`"


@pytest.mark.parametrize("name", ["test", "validation"])
def test_test_without_train_is_refused(source, name):
    source(f"{name}/a/1.png", f"{name}/b/1.png")
    assert message_of() == f"`data.source` must hold `train` beside `{name}`; received: source without it"


@pytest.mark.parametrize("others", [["car"], ["car", "test"], ["car", "test/x"]], ids="-".join)
@pytest.mark.parametrize("name", ["train", "Train"])
def test_train_that_may_be_a_class_is_explained(source, name, others):
    source(*numbered(name, 2), *(path for other in others for path in numbered(other, 2)), f"{name}/.cache/1.png")
    assert message_of() == (
        f"`source/{name}` must hold class folders; received: files alone; if `{name}` is a class, put all classes into "
        f"folders train and test above them: train/{name}/..., test/{name}/..."
    )


@pytest.mark.parametrize("name", ["test", "val"])
def test_test_that_may_be_a_class_is_explained(source, name):
    source(*numbered(name, 2), *numbered("car", 2))
    assert message_of().endswith(
        f"if `{name}` is a class, put all classes into folders train and test above them: "
        f"train/{name}/..., test/{name}/..."
    )


def test_train_without_anything_is_not_called_a_class(source):
    (source(*numbered("car", 2)) / "train").mkdir()
    assert message_of().endswith("one a class; received: none in `source/train`")


def test_classes_may_be_called_train_and_test_below_a_split(source):
    paths = [f"{split}/{name}/1.png" for split in ("test", "train") for name in ("car", "test", "train", "val")]
    source(*paths)
    assert found() == paths


def test_classes_may_be_called_train_and_test_below_train_alone(source):
    source(*(path for name in ("car", "test", "train") for path in numbered(f"train/{name}", 5)))
    assert Counter(file.class_name for file in find_sources(settings())[0]) == {"car": 5, "test": 5, "train": 5}


def test_text_for_patterns_is_the_same_with_and_without_a_split():
    below = {SourceFile(path, Path(path)).below_split for path in ("/train/x/1.png", "train/train/x/1.png")}
    assert below == {"/train/x/1.png"}


@pytest.mark.parametrize("top", ["", "train/"])
def test_without_test_there_is_no_split(source, top):
    source(f"{top}a/x/1.png", f"{top}b/2.png")
    files, _ = find_sources(settings())
    assert [(file.path, file.split, file.class_name, file.below_split) for file in files] == [
        ("/a/x/1.png", "", "a", "/a/x/1.png"),
        ("/b/2.png", "", "b", "/b/2.png"),
    ]


def test_order_of_listing_does_not_matter(source, monkeypatch):
    source(*numbered("a/x", 12), *numbered("a/y", 12), *numbered("b", 12))
    expected = find_sources(settings())
    listing = Path.iterdir

    def shuffled(folder: Path):
        entries = list(listing(folder))
        random.Random(len(entries)).shuffle(entries)
        return iter(entries)

    monkeypatch.setattr(Path, "iterdir", shuffled)
    assert find_sources(settings()) == expected


def test_nested_folders_belong_to_the_class(source):
    source("a/x/y/1.png", "a/2.png", "b/1.png", "b/z/2.png")
    classes = {path.split("/", 2)[1] for path in found()}
    assert classes == {"a", "b"}
    assert len(found()) == 4


def test_hidden_and_stray_files_are_counted_as_ignored(source):
    source(*numbered("a", 2), *numbered("b", 2))
    source("readme.txt", "a/.DS_Store", "b/Thumbs.db", "b/.cache/1.png", ".git/x/y", ".hidden")
    files, ignored = find_sources(settings())
    assert len(files) == 4
    assert ignored == 6


def test_files_that_are_images_neither_by_name_nor_by_content_are_ignored(source, noise):
    folder = source(*numbered("a", 2), *numbered("b", 2))
    for name, content in (
        ("note.txt", b"Dear diary"),
        ("2.xmp", b"<x/>"),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0"),
        ("x.aae", b""),
    ):
        (folder / "a" / name).write_bytes(content)
    (folder / "b" / "photo.backup").write_bytes(cv2.imencode(".jpg", noise())[1])
    (folder / "b" / "broken.jpg").write_bytes(b"Dear diary")
    (folder / "b" / "moving.gif~").write_bytes(b"GIF89a")
    (folder / "b" / "bare").write_bytes(b"Dear diary")
    files, ignored = find_sources(settings())
    assert {file.file.name for file in files if file.file.suffix != ".png"} == {
        "photo.backup",
        "broken.jpg",
        "moving.gif~",
        "bare",
    }
    assert ignored == 4


def test_class_of_hidden_files_alone_is_refused(source):
    source(*numbered("a", 2), *numbered("b", 2), "c/.DS_Store")
    assert message_of() == "every class folder must hold images; received: none in `source/c`"


def test_empty_class_is_refused(source):
    (source(*numbered("train/a", 2), *numbered("test/a", 2)) / "test" / "b").mkdir()
    assert message_of() == "every class folder must hold images; received: none in `source/test/b`"


def test_missing_source_is_refused(workspace):
    workspace()
    assert message_of() == "`data.source` must be a folder of images; received: source (no such folder)"


def test_file_as_source_is_refused(workspace):
    (workspace() / "source").write_bytes(b"")
    assert message_of() == "`data.source` must be a folder of images; received: source (no such folder)"


@pytest.mark.parametrize("paths", [[], ["1.png", "2.png"], [".git/config"]])
def test_source_without_classes_is_refused(source, paths):
    source(*paths).mkdir(exist_ok=True)
    assert message_of() == "`data.source` must hold folders of images, one a class; received: none in `source`"


def test_single_class_is_refused(source):
    source(*numbered("a", 4))
    assert message_of() == "`data.source` must hold at least 2 classes; received: a"


def test_train_and_test_must_have_the_same_classes(source):
    source("train/a/1.png", "train/b/1.png", "test/a/2.png", "test/c/1.png")
    assert message_of() == "train and test must have the same classes; received only in one of them: b, c"


@pytest.fixture
def outside(workspace):
    """A folder beside the source, with one file."""
    folder = workspace() / "outside"
    folder.mkdir()
    (folder / "2.png").write_bytes(b"y")
    return folder


@pytest.mark.parametrize("reached", ["source", "link to it"])
def test_links_out_of_the_source_are_rejected_as_one_file_each(source, outside, reached):
    folder = source(*numbered("a", 2), "b/1.png", "b/3.png")
    (folder / "b" / "file.png").symlink_to(outside / "2.png")
    (folder / "b" / "folder").symlink_to(outside)
    (folder.parent / "link to it").symlink_to(folder)
    files, _ = find_sources(settings(source=reached))
    links = [file for file in files if file.file.name in ("file.png", "folder")]
    assert len(links) == 2 and len(files) == 6
    for link in links:
        with pytest.raises(RejectedImage) as caught:
            read_source(link, max_bytes=1000, within=Path(reached))
        assert str(caught.value) == "the link leads out of data.source (data.follow_outside_links: false)"


def test_links_out_of_the_source_are_followed_where_that_is_asked_for(source, outside):
    folder = source(*numbered("a", 2), "b/1.png")
    (folder / "b" / "file.png").symlink_to(outside / "2.png")
    (folder / "b" / "folder").symlink_to(outside)
    params = settings(follow_outside_links=True)
    files, _ = find_sources(params)
    taken = {file.file.relative_to("source").as_posix(): file for file in files}
    assert {"b/1.png", "b/file.png", "b/folder/2.png"} <= taken.keys()
    assert link_limit(params) is None
    for name in ("b/file.png", "b/folder/2.png"):
        assert read_source(taken[name], max_bytes=1000, within=None) == b"y"


def test_links_within_the_source_are_followed(source):
    folder = source(*numbered("a", 2), "b/1.png", "more/.kept/2.png", "more/3.png", "more/4.png")
    (folder / "b" / "file.png").symlink_to("../a/000.png")
    (folder / "b" / "folder").symlink_to("../more/.kept")
    files = {file.file.relative_to("source").as_posix(): file for file in find_sources(settings())[0]}
    assert {"b/1.png", "b/file.png", "b/folder/2.png"} <= files.keys()
    assert read(files["b/file.png"]) == read(files["b/folder/2.png"]) == b"x"


@pytest.mark.parametrize("name", ["train", "test", "train/b", "test/b"])
def test_split_or_class_that_is_a_link_out_of_the_source_is_named(source, outside, name):
    folder = source("train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png")
    (folder / name).rename(outside / "moved")
    (folder / name).symlink_to(outside / "moved")
    assert message_of() == (
        "a folder of `data.source` must not be a link that leads out of it, unless `data.follow_outside_links` is "
        f"true; received: `source/{name}`"
    )
    assert len(found(follow_outside_links=True)) == 4


def test_class_of_a_source_without_split_that_is_a_link_out_of_it_is_named(source, outside):
    folder = source(*numbered("a", 2), *numbered("b", 2))
    (folder / "c").symlink_to(outside)
    assert message_of().endswith("received: `source/c`")


def test_link_out_of_the_source_beside_its_classes_is_one_ignored_file(source, outside):
    folder = source("train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png")
    (outside / "3.png").write_bytes(b"y")
    for name in ("val", "more"):
        (folder / name).symlink_to(outside)
    assert find_sources(settings())[1] == 2
    assert find_sources(settings(follow_outside_links=True))[1] == 4


@pytest.mark.parametrize("target", [".", "..", "x"])
def test_link_to_a_folder_above_or_taken_is_rejected(source, target):
    folder = source(*numbered("a/x", 2), *numbered("b", 2))
    (folder / "a" / "z").symlink_to(target)
    files, _ = find_sources(settings())
    links = [file for file in files if file.path.endswith("/z")]
    assert len(files) == 5
    with pytest.raises(RejectedImage, match="the folder was taken already, or a link in it leads to a folder above"):
        read(links[0])


@pytest.mark.parametrize("target", ["../..", "/"])
def test_link_to_a_folder_above_the_source_is_rejected_also_where_links_may_lead_out(source, target):
    folder = source(*numbered("a/x", 2), *numbered("b", 2))
    (folder / "a" / "z").symlink_to(target)
    files, _ = find_sources(settings(follow_outside_links=True))
    (link,) = (file for file in files if file.path.endswith("/z"))
    with pytest.raises(RejectedImage, match="the folder was taken already, or a link in it leads to a folder above"):
        read_source(link, max_bytes=1000, within=None)


def test_folder_that_is_linked_many_times_is_walked_once(source):
    folder = source(*numbered("b", 2), *(f"a/{number}/x.png" for number in range(30)))
    for number in range(29):
        for name in ("left", "right"):
            (folder / f"a/{number}/{name}").symlink_to(f"../{number + 1}")
    assert sum(path.endswith("x.png") for path in found()) == 30


def test_class_that_is_a_link_to_the_source_is_refused(source):
    folder = source(*numbered("a", 2), *numbered("b", 2))
    (folder / "c").symlink_to(".")
    assert message_of() == "every class folder must hold images; received: none in `source/c`"


@pytest.mark.parametrize(
    ("target", "code"), [("nowhere.png", errno.ENOENT), ("1.png", errno.ELOOP)], ids=["broken", "loop"]
)
def test_link_to_no_file_is_rejected(source, target, code):
    folder = source("a/0.png", *numbered("b", 2))
    (folder / "a" / "1.png").symlink_to(target)
    link = next(file for file in find_sources(settings())[0] if file.path.endswith("a/1.png"))
    with pytest.raises(RejectedImage) as caught:
        read(link)
    assert str(caught.value) == f"the file cannot be read ({os.strerror(code)})"


def test_pipe_is_rejected_without_waiting_for_it(source):
    folder = source("a/0.png", *numbered("b", 2))
    os.mkfifo(folder / "a" / "1.png")
    assert len(found()) == 4
    with pytest.raises(RejectedImage, match="^not a regular file$"):
        read(SourceFile("train/a/1.png", folder / "a" / "1.png"))


def test_file_is_read_whole(source):
    folder = source("a/1.png")
    assert read(SourceFile("train/a/1.png", folder / "a" / "1.png")) == b"x"


@not_as_root
def test_unreadable_file_is_rejected(source):
    file = source("a/1.png") / "a" / "1.png"
    file.chmod(0)
    with pytest.raises(RejectedImage, match=r"^the file cannot be read \(Permission denied\)$"):
        read(SourceFile("train/a/1.png", file))


def test_unreadable_folder_is_rejected(source, lock):
    source(*numbered("a/locked", 2), "a/1.png", *numbered("b", 2))
    lock("locked")
    files, ignored = find_sources(settings())
    (folder,) = (file for file in files if file.path.endswith("/locked"))
    assert (len(files), ignored) == (4, 0)
    with pytest.raises(RejectedImage, match=r"^the folder cannot be listed \(Permission denied\)$"):
        read(folder)


@not_as_root
@pytest.mark.parametrize(
    ("mode", "reasons"),
    [
        (0o000, {"a/locked": "the folder cannot be listed (Permission denied)"}),
        (0o444, dict.fromkeys(numbered("a/locked", 2), "the file cannot be read (Permission denied)")),
    ],
)
def test_what_a_locked_folder_hides_is_rejected(source, mode, reasons):
    folder = source(*numbered("a/locked", 2), "a/1.png", *numbered("b", 2))
    (folder / "a/locked").chmod(mode)
    said = {}
    for file in find_sources(settings())[0]:
        try:
            read(file)
        except RejectedImage as error:
            said[file.path.split("/", 1)[1]] = str(error)
    (folder / "a/locked").chmod(0o755)
    assert said == reasons


@pytest.mark.parametrize(("name", "named"), [("b", "train/b"), ("train", "train"), ("test", "test"), ("source", "")])
def test_source_split_or_class_that_is_unreadable_is_named(source, lock, name, named):
    source("train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png")
    lock(name)
    assert message_of() == f"`data.source` must be readable; received: {Path('source', named)} (Permission denied)"


def test_unreadable_folder_outside_any_class_is_ignored(source, lock):
    source("train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png", "lost+found/5.png", "notes/6.png")
    lock("lost+found")
    files, ignored = find_sources(settings())
    assert (len(files), ignored) == (4, 2)


def test_longer_file_is_rejected_before_it_is_read(source):
    folder = source("a/1.png")
    (folder / "a" / "1.png").write_bytes(bytes(1000))
    file = SourceFile("train/a/1.png", folder / "a" / "1.png")
    assert len(read(file)) == 1000
    os.truncate(file.file, 2**40)
    with pytest.raises(RejectedImage, match=r"^1099511627776 bytes are more than an image of data\.max_pixels has$"):
        read(file)


def test_longest_path_is_taken_and_a_longer_one_is_rejected(source):
    file = source("a/1.png") / "a" / "1.png"
    assert read(SourceFile("x" * LONGEST_PATH, file)) == b"x"
    with pytest.raises(RejectedImage, match=f"^the path is longer than {LONGEST_PATH} bytes$"):
        read(SourceFile("x" * (LONGEST_PATH + 1), file))


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (("Dog", "dog"), "Dog and dog"),
        (("\u00e9", "e\u0301"), "e\u0301 and \u00e9"),
        (("a\\b", "a_b"), "a\\b and a_b"),
        (("a\nb", "a_nb"), "a\\nb and a_nb"),
    ],
)
def test_classes_that_would_be_written_as_one_are_refused(source, names, named):
    source(*(path for name in names for path in numbered(name, 2)))
    assert message_of() == f"the names of classes must differ in more than case and spelling; received: {named}"


def test_folder_named_like_an_image_is_a_folder(source):
    source("a/x.png/1.png", "a/2.png", *numbered("b.jpg", 2))
    assert {path.split("/", 2)[1] for path in found()} == {"a", "b.jpg"}
