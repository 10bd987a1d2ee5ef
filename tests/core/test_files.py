"""Files and folders appear whole, or not at all."""

import errno
import os
from pathlib import Path

import pytest

from stages.core.files import make_parent, new_folder, write_file


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_new_folder_replaces_the_old_one_at_the_end(tmp_path):
    write_file(tmp_path / "raw" / "old.txt", b"old")
    with new_folder(tmp_path / "raw") as folder:
        (folder / "new.txt").write_bytes(b"new")
        assert names(tmp_path / "raw") == ["old.txt"]
    assert names(tmp_path / "raw") == ["new.txt"]
    assert names(tmp_path) == ["raw"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_everything_is_as_it_was(tmp_path, error):
    write_file(tmp_path / "data" / "old" / "whole.txt", b"whole")
    for name in ("new", "old"):
        with pytest.raises(error), new_folder(tmp_path / "data" / name) as folder:
            (folder / "half.txt").write_bytes(b"half")
            raise error
    assert names(tmp_path / "data") == ["old"]
    assert names(tmp_path / "data" / "old") == ["whole.txt"]


def test_what_a_killed_run_left_of_the_same_name_is_removed(tmp_path):
    folders = [".raw.k1ll3d.partial", ".raw.notes", ".rawhide.other.partial"]
    for half in (*(f"{folder}/half.txt" for folder in folders), ".raw.csv.1234.csv", ".raw.json.1234.json"):
        (tmp_path / half).parent.mkdir(exist_ok=True)
        (tmp_path / half).write_bytes(b"half")
    write_file(tmp_path / "raw.csv", b"whole")
    assert names(tmp_path) == [".raw.json.1234.json", *folders, "raw.csv"]
    (tmp_path / ".raw.json.1234.json").unlink()
    with new_folder(tmp_path / "raw"):
        pass
    assert names(tmp_path) == [*folders[1:], "raw", "raw.csv"]  # notes are not ours


def test_a_file_stays_whole_when_the_disk_is_full(tmp_path, monkeypatch):
    write_file(tmp_path / "a.json", b"old")

    def write_half(file: Path, content: bytes) -> None:
        with file.open("wb") as stream:
            stream.write(content[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match="No space left"):
        write_file(tmp_path / "a.json", b"new")
    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"old"


def test_a_folder_that_was_removed_is_not_made_again_for_a_file_below_it(tmp_path):
    make_parent(tmp_path, "train/a/1.png")
    make_parent(tmp_path, "1.png")
    assert (tmp_path / "train" / "a").is_dir()
    for file in ("train/a/1.png", "1.png"):
        with pytest.raises(FileNotFoundError):
            make_parent(tmp_path / "removed", file)
