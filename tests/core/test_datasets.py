"""Data sets as files and as shards: the same images, found the same way."""

import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.core.datasets import Dataset, divide, write_part
from stages.core.errors import PipelineError
from stages.core.images import encode_image

LONG = f"train/{'ä' * 60}/{'x y' * 70}.png"
PATHS = sorted([*(f"{split}/{c}/{n}.png" for split in ("train", "test") for c in "ab" for n in range(9)), LONG])
LAYOUTS = pytest.mark.parametrize("as_shard", [False, True], ids=["files", "shards"])


def encoded(path: str) -> bytes:
    seed = int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big")
    image = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    return encode_image(image, Path(path))


def write(folder: Path, paths: list[str], *, as_shard: bool, size: int = 4) -> Dataset:
    for part in divide(paths, size):
        write_part(folder, part.name, ((path, encoded(path)) for path in part.paths), as_shard=as_shard)
    return Dataset(folder)


@LAYOUTS
@pytest.mark.parametrize("paths", [PATHS, ["a.png"], ["train/x.png", "trip/test/y.png", "z.png"]])
def test_every_image_is_listed_and_read_alone_and_in_its_part(tmp_path, paths, as_shard):
    images = write(tmp_path, paths, as_shard=as_shard)
    assert images.is_sharded == as_shard
    assert images.paths() == sorted(paths)
    assert [images.read(path) for path in paths] == [encoded(path) for path in paths]
    read = [item for part in images.parts() for item in images.read_part(part)]
    assert sorted(read) == [(path, encoded(path)) for path in sorted(paths)]
    assert images.image(paths[0]).shape == (5, 7, 3)


@LAYOUTS
def test_a_data_set_without_images_is_refused(tmp_path, as_shard):
    if as_shard:
        write_part(tmp_path, "train/shard-000000", [], as_shard=True)
    received = "empty shards" if as_shard else "none"
    with pytest.raises(PipelineError, match=f"`{tmp_path}/?` must hold images.*; received: {received}"):
        Dataset(tmp_path).paths()


def test_shards_are_plain_tar_archives_that_tell_nothing_but_names_and_images(tmp_path):
    write(tmp_path, PATHS, as_shard=True)
    found = {}
    for shard in tmp_path.rglob("*.tar"):
        with tarfile.open(shard) as archive:
            for member in archive:
                assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
                found[f"{shard.parent.name}/{member.name}"] = archive.extractfile(member).read()
    assert found == {path: encoded(path) for path in PATHS}
    assert {file.name for file in (tmp_path / "test").iterdir()} == {
        f"shard-{number:06}.{suffix}" for number in range(5) for suffix in ("tar", "idx")
    }


def test_a_folder_that_is_named_like_a_shard_is_none(tmp_path):
    images = write(tmp_path, ["shard-000000.tar/a.png", "b.png"], as_shard=False)
    assert not images.is_sharded
    assert images.paths() == ["b.png", "shard-000000.tar/a.png"]


def test_the_index_is_that_of_dali(tmp_path):
    write_part(tmp_path, "shard-000000", [("a/b.png", b"12345"), ("a/c.x.png", b"")], as_shard=True)
    assert (tmp_path / "shard-000000.idx").read_text() == "v1.2 2\npng 512 5 a/b.png\nx.png 1536 0 a/c.x.png\n"


@pytest.mark.parametrize("index", ["", "v1.2 2\npng 512 5 a.png\n", "v1.1 0\n", "v1.2 1\npng 512\n", None])
def test_an_index_that_is_not_whole_is_refused(tmp_path, index):
    images = write(tmp_path, ["a.png"], as_shard=True)
    file = tmp_path / "shard-000000.idx"
    file.unlink() if index is None else file.write_text(index)
    with pytest.raises(PipelineError, match=r"shard-000000.idx` must be the index of `shard-000000.tar`; run"):
        images.paths()


@settings(max_examples=40, deadline=None)
@given(st.sets(st.text("abc/", min_size=1, max_size=9), max_size=60), st.integers(1, 9), st.data())
def test_one_image_more_changes_three_parts_at_most(paths, size, data):
    before = divide(sorted(paths), size)
    assert sorted(path for part in before for path in part.paths) == sorted(paths)
    assert divide(data.draw(st.permutations(sorted(paths))), size) == before
    new = f"new/{len(paths)}"
    changed = set(divide([*paths, new], size)) ^ set(before)
    assert len({part.name for part in changed}) <= 3


@pytest.mark.parametrize("count", [1_000, 1_001, 16_385, 25_000])
def test_parts_have_about_twice_the_average_at_most(count):
    sizes = [len(part) for part in divide([f"train/a/{number}.png" for number in range(count)], 1_000)]
    assert len(sizes) == -(-count // 1_000)
    assert max(sizes) < 2_200


def test_a_shard_that_ends_early_is_refused(tmp_path):
    images = write(tmp_path, ["a.png"], as_shard=True)
    with (tmp_path / "shard-000000.tar").open("r+b") as shard:
        shard.truncate(600)
    with pytest.raises(PipelineError, match=r"shard-000000.tar` must hold `a.png`; received: a shorter file"):
        images.read("a.png")
