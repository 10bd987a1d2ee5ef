"""A data set is the same whether it was made at once or step by step, and only what changed is made."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.core.datasets import Dataset, divide
from stages.core.new_dataset import new_dataset
from stages.core.paths import LAST_RUN
from tests.clones import contents

FOLDER = Path("data/some")
SIZE = 3
pytestmark = pytest.mark.usefixtures("working_folder")
LAYOUTS = pytest.mark.parametrize("is_sharded", [False, True], ids=["files", "shards"])


def make(images: dict[str, int], *, is_sharded: bool, settings: str = "") -> tuple[dict[str, bytes], list[str]]:
    """Make a data set out of numbers; return its files, and which images were made."""
    made = []

    def convert(path: str, content: bytes) -> bytes:
        made.append(path)
        return b"%s of %s %s" % (content, path.encode(), settings.encode())

    with new_dataset(FOLDER, is_sharded=is_sharded) as dataset:
        count = sum(
            dataset.make_part(
                part.name,
                lambda part=part: ((path, b"%d" % images[path]) for path in part.paths),
                lambda path, content: f"{settings} {path} {content}",
                convert,
            )
            for part in divide(images, SIZE)
        )
    assert count == len(made)
    return contents(FOLDER), made


def names_of(images: dict[str, int]) -> list[str]:
    return [part.name for part in divide(images, SIZE)]


PATHS = [f"{split}/{name}.png" for split in ("train", "test") for name in "abcdefgh"]


@LAYOUTS
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12)
@given(steps=st.lists(st.dictionaries(st.sampled_from(PATHS), st.integers(0, 1), min_size=1), min_size=2, max_size=5))
def test_step_by_step_gives_the_same_bytes_as_at_once(is_sharded, steps):
    shutil.rmtree(LAST_RUN, ignore_errors=True)
    last: dict[str, int] = {}
    for images in steps:
        files, made = make(images, is_sharded=is_sharded)
        new = {path for path, value in images.items() if last.get(path) != value}
        assert new <= set(made)
        if names_of(images) == names_of(last):
            assert new == set(made)
        last = images
    shutil.rmtree(LAST_RUN)
    assert make(images, is_sharded=is_sharded) == (
        files,
        [path for part in divide(images, SIZE) for path in part.paths],
    )


@LAYOUTS
def test_what_has_not_changed_is_linked(is_sharded):
    images = dict.fromkeys(PATHS, 0)
    make(images, is_sharded=is_sharded)
    before = {file: file.stat().st_ino for file in FOLDER.rglob("*") if file.is_file()}
    files, made = make({**images, PATHS[0]: 1}, is_sharded=is_sharded)
    assert made == [PATHS[0]]
    changed = {file for file in before if file.stat().st_ino != before[file]}
    (part,) = (part for part in divide(images, SIZE) if PATHS[0] in part.paths)
    names = {f"{part.name}.tar", f"{part.name}.idx"} if is_sharded else set(part.paths)
    assert changed == {FOLDER / name for name in names}
    assert make({**images, PATHS[0]: 1}, is_sharded=is_sharded) == (files, [])


@LAYOUTS
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "remove", "swap"])
@pytest.mark.parametrize("of", ["images", "keys"])
def test_what_is_not_as_it_was_left_is_never_used(is_sharded, harm, of):
    images = dict.fromkeys(PATHS, 0)
    right, _ = make(images, is_sharded=is_sharded)
    files = sorted(file for file in (LAST_RUN / "some" / of).rglob("*") if file.is_file() and file.suffix != ".idx")
    contents = [file.read_bytes() for file in files]
    for number, file in enumerate(files):
        content = bytearray(contents[number])
        content[len(content) // 2] ^= 1
        file.unlink()
        broken = {"flip": content, "cut": content[:-1], "empty": b"", "swap": contents[number - 1]}
        if harm in broken:
            file.write_bytes(broken[harm])
    files_now, made = make(images, is_sharded=is_sharded)
    assert files_now == right
    assert sorted(made) == sorted(PATHS)


@LAYOUTS
def test_without_hard_links_everything_is_made_each_time(monkeypatch, is_sharded):
    def refuse(*_):
        raise OSError("no links here")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        for _ in range(2):
            files, made = make(dict.fromkeys(PATHS, 0), is_sharded=is_sharded)
            assert sorted(made) == sorted(PATHS)
    assert make(dict.fromkeys(PATHS, 0), is_sharded=is_sharded)[0] == files


@LAYOUTS
def test_an_error_leaves_the_last_data_set_and_what_is_kept_of_it(is_sharded):
    images = dict.fromkeys(PATHS, 0)
    right, _ = make(images, is_sharded=is_sharded)

    def fail(path: str, content: bytes) -> bytes:
        raise ValueError(path)

    with pytest.raises(ValueError, match="new"), new_dataset(FOLDER, is_sharded=is_sharded) as dataset:
        dataset.make_part("train/shard-000000", lambda: [("train/new.png", b"1")], lambda path, _: path, fail)
    assert contents(FOLDER) == right
    assert make(images, is_sharded=is_sharded) == (right, [])
    assert LAST_RUN.stat().st_mode & 0o077 == 0


@LAYOUTS
def test_a_part_that_two_workers_make_is_whole_and_kept_for_the_next_run(is_sharded):
    made, images = [], [("train/a/1.png", b"1"), ("train/b/2.png", b"2")]
    for _ in range(2):
        with new_dataset(FOLDER, is_sharded=is_sharded) as new:
            for _ in range(2):
                made.append(new.make_part("train/shard-000000", lambda: images, "{} {}".format, lambda _, made: made))
        assert [(path, Dataset(FOLDER).read(path)) for path in dict(images)] == images
        assert sorted(file.name for file in FOLDER.parent.iterdir()) == [".partial", FOLDER.name]
    assert made == [2, 2, 0, 0]


@LAYOUTS
@pytest.mark.parametrize("change", ["settings", "layout"])
def test_other_settings_or_another_layout_make_everything(is_sharded, change):
    images = dict.fromkeys(PATHS, 0)
    make(images, is_sharded=is_sharded if change == "settings" else not is_sharded)
    _, made = make(images, is_sharded=is_sharded, settings="other" if change == "settings" else "")
    assert sorted(made) == sorted(PATHS)
