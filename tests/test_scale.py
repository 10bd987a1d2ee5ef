"""The benchmark of many images, on a few; `python -m tests.scale --images 60000` does what is worth reading."""

import re
import tarfile
from pathlib import Path

import pytest

from tests import scale
from tests.many_images import add_image, make_source
from tests.scale import TABLE, main, write_section


def test_both_layouts_are_measured_and_one_new_image_is_one_image_of_work(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "source"
    make_source(source, 70, as_archives=False)
    main(["--folder", str(source), "--variants", "morphology", "--rounds", "1"])
    text = TABLE.read_text()
    assert text.startswith("### 70 images\n")
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", text, re.MULTILINE))
    seconds, megabytes = r"[\d,.]+ s", r"[\d,.]+ MB, [\d,]+ files"
    stage = rf"{seconds}, [\d,]+/s, [1-9]\d+ MiB"
    total = rf"{seconds}, {seconds} of it DVC"
    expected = {f"`{name}`": stage for name in ("ingest", "detect", "anonymize@morphology", "extract@raw")}
    expected |= {"all of these": total, "one new image: `dvc repro`": total, "peak memory of DVC": r"[1-9]\d+ MiB"}
    expected |= {f"nothing to do: `dvc {command}`": seconds for command in ("repro", "status")}
    expected |= {"on disk: the source": megabytes, "on disk: `data/` and `.dvc/`": megabytes}
    made = "1 by `ingest`, 1 by `anonymize`, {} by `extract`".format
    expected |= {"one new image: images made anew": rf"{made(11)} \| {made(11)}"}
    expected |= {"one new image: files of `data/raw` that changed": r"1 of 71 \| 2 of 4"}  # a shard and its index
    for name, cells in expected.items():
        assert re.fullmatch(cells if r"\|" in cells else rf"{cells} \| {cells}", rows[name]), (name, rows[name])
    assert "scale: 70 images in files and shards, written to metrics/scale.md (" in capfd.readouterr().out
    assert len(list(source.rglob("*.png"))) == 70


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
    ("arguments", "words"),
    [
        ("--images 69", "`--images` must be 70 or more; received: 69"),
        ("--images 70 --variants blur,morphology", "`--variants` must be of gaussian_blur, .*; received: blur"),
        ("--folder nowhere", "`--folder` must be a folder; received: nowhere"),
        ("--images 70 --keep stages", "`--keep` must be a new or empty folder; received: stages"),
    ],
)
def test_a_wrong_option_is_refused(arguments, words, monkeypatch, capsys):
    monkeypatch.chdir(Path(__file__).parents[1])
    with pytest.raises(SystemExit):
        main(arguments.split())
    assert re.search(words, capsys.readouterr().err)
