"""Tar archives in a source count as folders, whole or not at all, and each member that is refused is named."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.sources.files import RejectedImage, SourceFile, read_source
from stages.sources.finding import find_sources
from stages.sources.identify import identify_sources
from stages.sources.region_files import read_regions
from tests.faults import message_of
from tests.sources.builders import SOURCE, data, put, region_params

PLAIN = ["a/1.png", "b/2.png"]  # of two classes, which every source here has


@pytest.fixture(autouse=True)
def source():
    SOURCE.mkdir()


def pack(archive: str, *members: str | tarfile.TarInfo, everywhere: dict | None = None, **contents: bytes) -> Path:
    """Make an archive of files that hold their names, of `contents`, and of members of other kinds."""
    file = SOURCE / archive
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w", pax_headers=everywhere) as stream:
        for member in [*members, *contents]:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            content = contents.get(info.name, info.name.encode("utf-8", "surrogateescape")) if info.isreg() else b""
            info.size = len(content)
            stream.addfile(info, io.BytesIO(content))
    return file


def special(name: str, kind: bytes, link: str = "", **headers: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = kind, link, headers
    return info


def content_of(file: SourceFile) -> bytes:
    return read_source(file, max_bytes=1000, within=SOURCE)


def reasons(**changes) -> dict[str, str]:
    return {file.in_source: file.refused for file in find_sources(data(**changes))[0] if file.refused}


def unpack() -> None:
    for archive in sorted(SOURCE.rglob("*.tar")):
        with tarfile.open(archive) as stream:
            stream.extractall(archive.parent, filter="data")
        archive.unlink()


TRAIN, TEST = {"train/0.tar": PLAIN, "train/1.tar": ["a/x/3.png"]}, {"test/0.tar": ["b/4.png", "a/4.png"]}
LAYOUTS = {
    "shards of splits": TRAIN | TEST,
    "without a split": {"0.tar": ["a/1.png"], "1.TAR.tar": ["b/2.png", "a/2.png"]},
    "beside plain files": TRAIN | TEST | {"": ["train/a/9.png", "test/b/9.png", "notes.txt"]},
    "below a class": {"a/x/0.tar": ["1.png", "y/2.png"], "b/0.tar": ["b/1.png"]},
    "odd names": {"0.tar": ["./a/./1.png", "b//2.png", os.fsdecode(b"a/\xe9.png"), "a/" + "x" * 150 + ".png"]},
    "other files": {"0.tar": [*PLAIN, "a/.x.png", "a/._1.png", ".c/1.png", "a/1.json", "a/1.txt"]},
}


@pytest.mark.parametrize("classes", ["folders", "none"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_archives_are_taken_in_like_the_folders_that_they_unpack_to(layout, classes):
    for archive, members in layout.items():
        pack(archive, *members) if archive else put(*members)
    packed, ignored = find_sources(data(classes=classes))
    contents = [content_of(file) for file in packed]
    unpack()
    files, count = find_sources(data(classes=classes))
    assert [file.path for file in packed] == [file.path for file in files]
    assert [file.in_source for file in packed] == [file.in_source for file in files]
    assert contents == [content_of(file) for file in files]
    assert ignored == count


def test_folders_indices_and_archives_in_archives_are_nothing():
    pack("0.tar", special("a", tarfile.DIRTYPE), "a/1.png", "a/more.tar", special("c/d", tarfile.DIRTYPE), "b/2.png")
    put("0.idx")
    files, ignored = find_sources(data())
    assert [file.path for file in files] == ["/a/1.png", "/b/2.png"]
    assert ignored == {"archive": 1, "text": 1}


def test_cls_files_hold_the_classes_of_members_without_a_class_folder():
    contents = {"1.cls": b"dog\n", "1.jpg": b"x", "1.left.png": b"y", "1.json": b"{}", "2.cls": b"7", "2.png": b"z"}
    pack("train/0.tar", **contents | {"dog/3.png": b"3", "dog/3.cls": b"cat"})
    pack("test/1.tar", **{"5.jpg": b"5", "5.cls": b"dog", "6.cls": b"7", "6.jpg": b"6"})
    files, ignored = find_sources(data())
    assert {file.path: content_of(file) for file in files} == {
        "test/7/6.jpg": b"6",
        "test/dog/5.jpg": b"5",
        "train/7/2.png": b"z",
        "train/dog/1.jpg": b"x",
        "train/dog/1.left.png": b"y",
        "train/dog/3.png": b"3",
    }
    assert ignored == {"text": 6}
    assert files[-1].name == "source/train/0.tar: dog/3.png"
    assert [file.path for file in find_sources(data(classes="none"))[0]][-2:] == ["//train/2.png", "//train/dog/3.png"]


def test_members_of_no_class_are_rejected():
    put(*PLAIN)
    labels = {"1.cls": b"a/b", "2.cls": b"", "3.cls": b".a", "4.cls": b"\xff", "5.cls": b"x" * 256, "6.cls": b"a\nb"}
    labels |= {"7.cls": b"a", "7.CLS": b"b"}
    pack("0.tar", **labels, **{f"{number}.png": b"" for number in range(1, 9)})
    assert {name.rpartition(" (byte ")[0] for name in reasons()} == {f"0.tar: {number}.png" for number in range(1, 9)}
    assert not reasons(classes="none")


REFUSED = {
    "link out": special("a/x.png", tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": special("a/x.png", tarfile.LNKTYPE, "a/1.png"),
    "device": special("a/x.png", tarfile.CHRTYPE),
    "unknown kind": special("a/x.png", b"Z"),
    "sparse": special("a/x.png", tarfile.REGTYPE, **{"GNU.sparse.map": "0,1", "GNU.sparse.size": "9"}),
    "absolute": "/a/x.png",
    "above": "a/../../x.png",
    "NUL": special("a", tarfile.REGTYPE, path="a/x\0.png"),
}


@pytest.mark.parametrize("classes", ["folders", "none"])
@pytest.mark.parametrize("member", REFUSED.values(), ids=REFUSED)
def test_a_member_that_is_refused_is_named_and_the_others_are_taken(member, classes):
    pack("0.tar", "a/1.png", member, "b/2.png")
    files, ignored = find_sources(data(classes=classes))
    assert [file.in_source for file in files if not file.refused] == PLAIN
    assert not ignored
    (refused,) = [file for file in files if file.refused]
    assert refused.in_source.startswith("0.tar: ")
    assert message_of(RejectedImage, content_of, refused) == refused.refused


@pytest.mark.parametrize("classes", ["folders", "none"])
def test_the_first_file_of_a_name_is_taken_and_the_others_are_rejected(classes):
    pack("1.tar", *PLAIN, "a/3.png", "a/4.png")
    put(*PLAIN, "b/3.png")
    pack("0.tar", "a/1.png", "a/3.png", "a/3.png", "./a/3.png")
    files, _ = find_sources(data(classes=classes))
    taken = {file.in_source: file.origin.archive for file in files if not file.refused}
    assert taken == {"a/1.png": "", "a/3.png": "0.tar", "a/4.png": "1.tar", "b/2.png": "", "b/3.png": ""}
    names = ["0.tar: a/1.png", "0.tar: a/3.png", "0.tar: a/3.png", "1.tar: a/1.png", "1.tar: a/3.png", "1.tar: b/2.png"]
    found = reasons(classes=classes)
    assert sorted(name.rpartition(" (byte ")[0] for name in found) == names
    assert len(set(found.values())) == 1


def edit(start: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:start] + new + content[start + len(new) :]


def header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    info = special(name, kind)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


SIZE = 2**40
EXTENDED = special("a/x.png", tarfile.REGTYPE, size="-1536").tobuf(tarfile.PAX_FORMAT)
# Of an archive with two files of up to 512 bytes, so that it has headers at 0 and 1,024, and its end at 2,048.
DAMAGE = {
    "empty file": lambda content: b"",
    "text": lambda content: b"Dear diary",
    "compressed": lambda content: gzip.compress(content),
    "header": edit(1024 + 3, b"!"),
    "cut in a file": lambda content: content[: 512 + 3],
    "cut before the end": lambda content: content[:2048],
    "two joined": lambda content: 2 * content,
    "size below 0": edit(1024, header("x", size=-512)),
    "size that leads back, in an extended header": edit(1024, EXTENDED),
    "long name": edit(0, header("x", tarfile.GNUTYPE_LONGNAME, SIZE)),
}


@pytest.mark.parametrize("classes", ["folders", "none"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_archive_is_rejected_as_a_whole_and_the_others_are_taken(damage, classes):
    put("b/0.png")
    pack("1.tar", "a/1.png")
    file = pack("0.tar", "a/3.png", "b/4.png")
    file.write_bytes(damage(file.read_bytes()))
    files, ignored = find_sources(data(classes=classes))
    assert [file.in_source for file in files if not file.refused] == ["a/1.png", "b/0.png"]
    assert not ignored
    assert list(reasons(classes=classes)) == ["0.tar"]


def test_an_archive_of_holes_or_a_link_out_is_rejected():
    put(*PLAIN)
    os.truncate(pack("0.tar", "a/3.png"), SIZE)
    (SOURCE / "1.tar").symlink_to("/etc/passwd")
    assert list(reasons()) == ["0.tar", "1.tar"]


@pytest.mark.parametrize("name", ["0.tar.gz", "a/0.TGZ", "train/0.tar.zst", "train/a/0.tar.xz"])
def test_a_compressed_archive_is_rejected(name):
    start = "train/" if name.startswith("train") else ""
    put(*(start + path for path in PLAIN), name)
    assert list(reasons()) == [name]


def test_an_archive_beside_the_splits_is_rejected():
    put(*(f"train/{path}" for path in PLAIN), "test.tar", "1.tar.gz", ".2.tar", "more/3.tar")
    assert list(reasons()) == ["1.tar.gz", "test.tar"]
    assert find_sources(data())[1] == {"archive": 1, "hidden": 1}


def test_an_archive_that_holds_splits_is_refused():
    pack("0.tar", "Train/a/1.png", "test/a/2.png", "b/3.png")
    assert message_of(PipelineError, find_sources, data()).startswith("`source/0.tar` must hold class folders; ")
    assert len(find_sources(data(classes="none"))[0]) == 3


def test_a_source_of_nothing_but_rejected_archives_is_refused_with_the_first_reason():
    put("train/0.tar", "train/1.tar")
    assert "rejected file is `source/train/0.tar` (" in message_of(PipelineError, find_sources, data())


def test_a_member_is_read_if_the_archive_still_holds_it_and_it_is_not_too_long():
    archive = pack("0.tar", **{"a/1.png": b"x" * 1000, "b/2.png": b"y" * 1001})
    first, second = find_sources(data())[0]
    assert content_of(first) == b"x" * 1000
    assert message_of(RejectedImage, content_of, second) == "1001 bytes are more than an image of data.max_pixels has"
    os.truncate(archive, 1000)
    changed = "`source/0.tar` must not change while `ingest` reads it; run it again"
    assert message_of(PipelineError, content_of, first) == changed
    archive.unlink()
    archive.symlink_to("/etc/passwd")
    assert "leads out of data.source" in message_of(RejectedImage, content_of, first)


def test_tables_name_members_by_their_place():
    pack("train/0.tar", *PLAIN, "a/.hidden.png")
    pack("val/0.tar", **{"1.png": b"", "1.cls": b"a", "b/2.png": b""})
    (SOURCE / "identities.csv").write_text("path,identity\n./train/a/1.png,Ann\nval/a/1.png,Ann\n")
    (SOURCE / "regions.csv").write_text("path,x,y,width,height\ntrain/b/2.png,0,0,4,4\ntrain/a/.hidden.png,0,0,4,4\n")
    files, _ = find_sources(data())
    assert identify_sources(files, data()).people == {"train/a/1.png": "Ann", "val/a/1.png": "Ann"}
    assert [*read_regions(files, data(), region_params())] == ["train/b/2.png", "train/a/.hidden.png"]
    (SOURCE / "identities.csv").write_text("path,identity\ntrain/0.tar/a/1.png,Ann\n")
    assert "line 2: `path` must name a file of the source" in message_of(PipelineError, identify_sources, files, data())


def test_global_headers_are_applied_to_no_member():
    pack("0.tar", *PLAIN, everywhere={"path": "b/other.png", "size": "3"})
    files, _ = find_sources(data())
    assert [(file.path, content_of(file)) for file in files] == [(f"/{path}", path.encode()) for path in PLAIN]
