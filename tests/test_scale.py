"""The benchmark of many images: its source, its table, and what it refuses before anything is made."""

import tarfile

import pytest

from tests import scale
from tests.clones import ROOT
from tests.many_images import add_image, make_source
from tests.scale import TABLE, main, write_section


def test_a_new_image_lies_beside_the_first_one_or_in_an_archive_beside_the_first_one(tmp_path):
    contents = {}
    for name in ("files", "archives"):
        make_source(tmp_path / name, 70, as_archives=name == "archives")
        add_image(tmp_path / name)
    for file in (tmp_path / "archives").rglob("*.tar"):
        with tarfile.open(file) as archive:
            for member in archive:
                path = f"{file.parent.name}/{member.name}"
                contents[path] = archive.extractfile(member).read()
    files = [file for file in (tmp_path / "files").rglob("*") if file.is_file()]
    assert contents == {file.relative_to(tmp_path / "files").as_posix(): file.read_bytes() for file in files}
    assert len(set(contents.values())) == 71
    assert "test/class_0/new_image.png" in contents


def test_a_section_takes_the_place_of_that_of_the_same_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in ("### 60,000 images\n\nold\n", "### 1,000,000 images\n\nall\n", "### 60,000 images\n\nnew\n"):
        write_section(text)
    assert TABLE.read_text() == "### 60,000 images\n\nnew\n\n### 1,000,000 images\n\nall\n"


def test_too_little_room_is_said_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(scale, "MeasuredClone", None)
    with pytest.raises(SystemExit, match=r"`TMPDIR` or `--keep` must have 24576.0 GB of room; received: .* GB in /"):
        main(["--images", str(10**9)])


@pytest.mark.parametrize(
    "arguments", ["--images 69", "--images 70 --variants blur", "--folder nowhere", "--images 70 --keep stages"]
)
def test_a_wrong_option_is_refused(arguments, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit):
        main(arguments.split())
    assert f"received: {arguments.split()[-1]}" in capsys.readouterr().err
