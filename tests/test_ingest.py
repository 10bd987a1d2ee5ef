import json
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages import ingest as ingest_stage
from stages.core.errors import PipelineError
from stages.core.images import list_images, read_image
from stages.core.people import read_people, read_test_groups
from stages.ingest import ingest, limit_side
from stages.sources.key import read_key
from tests.clones import ROOT
from tests.synthetic import untimed

RAW = Path("data/raw")
GROUPS = r"/g(\d)_"
SPLIT = ["train/a/1.png", "train/a/2.png", "train/b/3.png", "train/b/4.png", "test/a/5.png", "test/b/6.png"]


@pytest.fixture
def source(workspace, save_images):
    """The function that makes params with changes, and a source with different images under the given paths."""

    def make(paths: list[str] = SPLIT, changes: dict | None = None) -> Path:
        folder = workspace({"data.source": "source", **(changes or {})}) / "source"
        save_images(folder, paths)
        return folder

    return make


def report() -> dict:
    return json.loads(Path("metrics/ingest.json").read_text(encoding="ascii"))


def message_of() -> str:
    with pytest.raises(PipelineError) as caught:
        ingest()
    assert list(Path().glob("data/*")) + list(Path().glob("data/.*")) == []
    return str(caught.value)


def test_images_and_report_are_written(source, noise, capsys):
    source()
    ingest()
    assert list_images(RAW) == sorted(SPLIT)
    for seed, path in enumerate(SPLIT):
        assert np.array_equal(read_image(RAW / path), noise(seed))
    assert report() == {
        "images": {"train": {"a": 2, "b": 2}, "test": {"a": 1, "b": 1}},
        "size": {"height": {"min": 12, "median": 12, "max": 12}, "width": {"min": 16, "median": 16, "max": 16}},
        "rejected": [],
        "dropped_from_train": [],
        "ignored_files": 0,
        "known_people_without_image": 0,
        "paths_that_name_people": 0,
    }
    assert untimed(capsys.readouterr().out) == (
        "ingest: 6 images into data/raw/, 0 of known people, 0 files rejected, 0 ignored, "
        "0 training images dropped that are test images too; see metrics/ingest.json\n"
    )


def test_absolute_source_is_taken(source):
    folder = source()
    source(changes={"data.source": str(folder)})
    ingest()
    assert len(list_images(RAW)) == 6


def test_source_is_left_as_it_is(source):
    folder = source()
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*.png")}
    ingest()
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*.png")} == before


def test_bytes_do_not_depend_on_workers(source, monkeypatch):
    source([f"{name}/{number}.png" for name in "ab" for number in range(20)], {"data.max_side": 9})
    written = []
    for workers in ("1", "8"):
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        ingest()
        written.append({path: (RAW / path).read_bytes() for path in list_images(RAW)} | {"report": report()})
    assert written[0] == written[1]


def test_second_run_replaces_the_first(source):
    folder = source()
    ingest()
    (folder / "train/a/1.png").unlink()
    ingest()
    assert list_images(RAW) == sorted(SPLIT[1:])


def test_jpg_is_written_where_it_is_asked_for(source, noise):
    source(changes={"data.image_format": "jpg"})
    ingest()
    assert list_images(RAW) == sorted(path.replace(".png", ".jpg") for path in SPLIT)
    assert (RAW / "train/a/1.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert np.abs(read_image(RAW / "train/a/1.jpg").astype(int) - noise(0)).mean() < 10


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((12, 16), None, (12, 16)),
        ((12, 16), 16, (12, 16)),
        ((12, 16), 8, (6, 8)),
        ((16, 12), 8, (8, 6)),
        ((1, 1000), 10, (1, 10)),
        ((100, 99), 50, (50, 50)),
    ],
)
def test_longest_side_is_limited(noise, size, max_side, expected):
    assert limit_side(noise(0, *size), max_side).shape == (*expected, 3)


def test_limited_image_is_the_mean_of_the_area(noise):
    image = noise(0, 32, 32)
    mean = image.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
    assert np.abs(limit_side(image, 8) - mean).max() <= 0.5


def test_max_side_holds_for_all_written_images(source):
    source(changes={"data.max_side": 8})
    ingest()
    assert {read_image(RAW / path).shape for path in list_images(RAW)} == {(6, 8, 3)}
    assert report()["size"]["width"] == {"min": 8, "median": 8, "max": 8}


def test_max_per_class_holds_for_each_class_and_split(source):
    source(changes={"data.max_per_class": 1})
    ingest()
    assert report()["images"] == {"train": {"a": 1, "b": 1}, "test": {"a": 1, "b": 1}}


def test_who_is_in_an_image_is_kept_for_images_that_are(source):
    source([*SPLIT, "train/a/id3_8.png", "test/b/id3_9.png"])
    Path("source/train/a/id4_8.png").write_bytes(Path("source/test/b/id3_9.png").read_bytes())
    ingest()
    table = Path("data/identities.csv").read_text()
    assert table == "image,identity\ntest/b/id3_9.png,0\ntrain/a/id3_8.png,0\n"
    assert report()["known_people_without_image"] == 1


def test_the_table_of_people_does_not_depend_on_what_they_are_called(source):
    folder = source()
    tables = set()
    for names in (("Ada", "Bob", "Cyd"), ("Zoe", "Bob", "Ada"), ("3", "1", "2")):
        rows = [f"{path},{names[number % 3]}\n" for number, path in enumerate(SPLIT)]
        (folder / "identities.csv").write_text("path,identity\n" + "".join(rows))
        ingest()
        tables.add(Path("data/identities.csv").read_bytes())
    assert len(tables) == 1


def test_rows_of_files_that_give_no_image_are_counted(source, noise, capsys):
    folder = source([*SPLIT, "train/a/.hidden.png"], {"data.max_rejected": 0.5})
    (folder / "train/b/broken.png").write_bytes(b"broken")
    paths = [*SPLIT[1:], "train/a/.hidden.png", "train/b/broken.png"]
    (folder / "identities.csv").write_text("path,identity\n" + "".join(f"{path},Ada\n" for path in paths))
    ingest()
    assert report()["known_people_without_image"] == 2
    assert report()["ignored_files"] == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "ingest: 2 files whose person is known gave no image: hidden, left out, rejected or dropped"
    assert ", 5 of known people, " in lines[0]


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("renamed", [True, False])
def test_paths_that_name_people_are_counted_and_told(source, capsys, table, renamed):
    folder = source([*SPLIT, "train/a/id3_8.png", "test/b/id4_9.png"], {"data.rename": renamed})
    if table:
        rows = "test/b/id4_9.png,ID4\ntrain/a/id3_8.png,id3\ntrain/a/1.png,Ann\n"
        (folder / "identities.csv").write_text("path,identity\n" + rows)
    ingest()
    assert report()["paths_that_name_people"] == (0 if renamed else 2)
    told = (
        "ingest: the paths of 2 images name the person in them, and would be published with data/<variant>/; "
        "`data.rename: true` writes numbers instead\n"
    )
    out = capsys.readouterr().out
    assert out.endswith(told) != renamed
    assert out.count("\n") == (1 if renamed else 2)
    assert "id3" not in out.lower()


def test_class_folders_that_name_people_are_told_where_renaming_does_not_help(source, capsys):
    paths = [f"{split}/{name}/{seed}.png" for split in ("train", "test") for seed, name in enumerate(["Ann", "Bob"])]
    source(paths, {"data.rename": True, "data.identity_pattern": "^/([^/]+)/"})
    ingest()
    assert report()["paths_that_name_people"] == 4
    assert capsys.readouterr().out.endswith(
        "ingest: the class folders of 4 images name the person in them, and would be published with data/<variant>/; "
        "`data.rename` keeps the names of classes\n"
    )


NAMES = [
    "train/a/Ann Lee/id1_1.png",
    "train/a/id2_Bob.png",
    "train/b/id1_Ann.png",
    "test/a/id2_Bob.png",
    "test/b/Cy.png",
]


def key() -> list[dict[str, str]]:
    return [dict(zip(("image", "source", "reason"), row, strict=True)) for row in read_key(RAW)]


def test_renamed_images_are_numbered_and_the_key_knows_their_names(source, noise):
    source(NAMES, {"data.rename": True})
    ingest()
    assert sorted(Path(path).stem for path in list_images(RAW)) == [f"{number:06}" for number in range(1, 6)]
    assert {row["image"] for row in key()} == set(list_images(RAW))
    for row in key():
        assert row["image"].split("/")[:2] == row["source"].split("/")[:2]
        assert row["image"].count("/") == 2
        assert np.array_equal(read_image(RAW / row["image"]), noise(NAMES.index(row["source"])))


def test_without_renaming_there_is_no_key_and_no_secret_and_an_older_key_goes(source):
    source(NAMES)
    Path("data").mkdir()
    Path("data/key.csv").write_text("older")
    ingest()
    assert sorted(entry.name for entry in Path("data").iterdir()) == ["groups.csv", "identities.csv", "raw"]


def test_key_is_made_when_everything_else_is_written(source, monkeypatch):
    source(NAMES, {"data.rename": True})
    found = set()
    monkeypatch.setattr(ingest_stage, "write_key", lambda *_: found.update(map(str, Path().glob("[dm]*/*"))))
    ingest()
    tables = {"data/groups.csv", "data/identities.csv"}
    assert found == {*tables, "data/raw", "data/secret.key", "metrics/ingest.json"}


@pytest.mark.parametrize("broken", ["decode_image", "make_report", "write_people", "write_key"])
def test_run_that_fails_on_the_way_leaves_no_key(source, monkeypatch, broken):
    source(NAMES, {"data.rename": True})
    ingest()
    assert Path("data/key.csv").is_file()

    def fail(*_, **__):
        raise OSError("broken")

    monkeypatch.setattr(ingest_stage, broken, fail)
    with pytest.raises(OSError, match="broken"):
        ingest()
    assert not list(Path("data").glob("*key.csv*"))


def test_key_is_refused_where_another_run_was_restored(source):
    folder = source(NAMES, {"data.rename": True})
    ingest()
    shutil.copytree(RAW, "kept")
    (folder / NAMES[0]).unlink()
    ingest()
    assert len(key()) == 4
    shutil.rmtree(RAW)
    shutil.copytree("kept", RAW)
    with pytest.raises(PipelineError, match="belongs to another data/raw"):
        key()


def test_people_survive_renaming(source):
    source(NAMES, {"data.rename": True})
    ingest()
    persons = {row["source"]: row["image"] for row in key()}
    people = read_people()
    numbers = {**people.train, **people.test}
    ann, bob = ({numbers[persons[name].split("/", 1)[1]] for name in NAMES if f"id{one}_" in name} for one in (1, 2))
    assert len(ann) == len(bob) == 1
    assert ann != bob
    assert len(numbers) == 4


@pytest.mark.parametrize("renamed", [True, False])
def test_groups_of_people_go_with_their_images_and_no_file_of_the_source_is_taken_for_one(source, renamed):
    folder = source(NAMES, {"data.rename": renamed})
    (folder / "groups.csv").write_text(
        "Path;Group\ntest/b/Cy.png;young\ntest/a/id2_Bob.png;old\ntrain/a/id2_Bob.png;old\n"
    )
    ingest()
    images = {row["source"]: row["image"] for row in key()} if renamed else {name: name for name in NAMES}
    assert read_test_groups() == {
        images[name].removeprefix("test/"): group
        for name, group in (("test/b/Cy.png", "young"), ("test/a/id2_Bob.png", "old"))
    }
    assert Path("data/groups.csv").read_text().count("\n") == 4
    assert report()["ignored_files"] == 0
    (folder / "groups.csv").write_text("path,group\ntest/b/Di.png,young\n")
    with pytest.raises(PipelineError, match="groups.csv`, line 2: `path` must name a file of the source"):
        ingest()


def test_without_groups_the_table_has_a_header_alone(source):
    source()
    ingest()
    assert Path("data/groups.csv").read_text() == "image,group\n"


def test_renamed_files_that_are_not_taken_in_are_named_in_the_key_alone(source, noise):
    folder = source(NAMES, {"data.rename": True, "data.max_rejected": 0.5})
    (folder / "train/a/Dora.png").write_bytes(b"broken")
    Image.fromarray(noise(4)).save(folder / "train/b/Cy again.png")  # the pixels of test/b/Cy.png
    ingest()
    (cy,) = (row["image"] for row in key() if row["source"] == "test/b/Cy.png")
    reasons = {row["source"]: row["reason"] for row in key() if not row["image"]}
    assert reasons == {
        "train/a/Dora.png": "the content is not an image of a supported format",
        "train/b/Cy again.png": f"equals {cy}",
    }
    assert report()["rejected"] == [{"reason": "the content is not an image of a supported format"}]
    assert report()["dropped_from_train"] == [{"equals": cy}]
    assert len(list_images(RAW)) == 5


def test_too_many_rejected_files_are_not_listed_where_names_are_to_tell_nothing(source):
    folder = source(NAMES, {"data.rename": True})
    (folder / "train/a/Dora.png").write_bytes(b"broken")
    with pytest.raises(
        PipelineError,
        match=r"the first is `source/train/a/Dora\.png` .*; with `data.rename: false`, metrics/ingest.json lists all$",
    ):
        ingest()
    assert [entry.name for entry in Path("data").iterdir()] == ["secret.key"]
    assert "Dora" not in Path("metrics/ingest.json").read_text()


def test_renamed_images_are_the_same_whatever_the_files_are_called_and_the_workers(source, monkeypatch):
    written = []
    others = [f"{Path(name).parent}/id{9 - seed}.png" for seed, name in enumerate(NAMES)]
    for workers, names in (("1", NAMES), ("8", others)):
        folder = source(names, {"data.rename": True})
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        ingest()
        written.append({path: (RAW / path).read_bytes() for path in list_images(RAW)} | {"report": report()})
        shutil.rmtree(folder)
    assert written[0] == written[1]


def test_renamed_images_are_not_written_in_the_order_of_names(source):
    source(
        [f"{split}/{name}/{number:03}.png" for split in ("train", "test") for name in "ab" for number in range(20)],
        {"data.rename": True},
    )
    ingest()
    rows = sorted(key(), key=lambda row: row["source"])
    for by_time in (lambda row: (RAW / row["image"]).stat().st_mtime_ns, lambda row: Path(row["image"]).stem):
        order = [by_time(row) for row in rows]
        assert sum(first < second for first, second in zip(order, order[1:], strict=False)) < 60


def test_another_secret_gives_another_order(source):
    source([f"{split}/{name}/{number}.png" for split in ("train", "test") for name in "ab" for number in range(9)])
    source([], {"data.rename": True})
    orders = []
    for _ in range(2):
        ingest()
        orders.append([row["source"] for row in sorted(key(), key=lambda row: row["image"])])
    assert orders[0] == orders[1]
    Path("data/secret.key").unlink()
    ingest()
    assert [row["source"] for row in sorted(key(), key=lambda row: row["image"])] != orders[0]


def test_key_is_kept_out_of_git_and_of_the_pipeline():
    ignored = subprocess.run(["git", "check-ignore", "-q", "data/key.csv"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
    assert "key.csv" not in (ROOT / "dvc.yaml").read_text()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm"])
def test_leakage_is_found_by_pixels_and_dropped_from_train(source, noise, suffix):
    folder = source()
    Image.fromarray(noise(4)).save(folder / f"train/b/copy{suffix}")  # the pixels of test/a/5.png
    ingest()
    assert report()["dropped_from_train"] == [{"image": "train/b/copy.png", "equals": "test/a/5.png"}]
    assert list_images(RAW) == sorted(SPLIT)
    assert report()["images"]["train"] == {"a": 2, "b": 2}


def test_same_image_within_a_split_is_no_leakage(source, noise):
    folder = source()
    Image.fromarray(noise(0)).save(folder / "train/a/copy.png")
    ingest()
    assert report()["dropped_from_train"] == []
    assert report()["images"]["train"]["a"] == 3


def test_same_bytes_in_another_shape_are_no_leakage(source):
    folder = source()
    Image.new("RGB", (4, 6)).save(folder / "train/a/black.png")
    Image.new("RGB", (6, 4)).save(folder / "test/a/black.png")
    ingest()
    assert report()["dropped_from_train"] == []


def test_class_left_empty_by_leakage_is_refused(source, noise):
    folder = source(["train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png"])
    Image.fromarray(noise(3)).save(folder / "train/b/2.png")
    assert message_of() == (
        "every class must have train images; received: none in `b`; 1 of its files dropped from train, the first is "
        "`source/train/b/2.png` (equals test/b/4.png)"
    )


def test_class_left_empty_by_groups_is_refused(source):
    source(["train/a/1.png", "train/b/g1_x.png", "test/a/3.png", "test/b/g1_y.png"], {"data.group_pattern": GROUPS})
    assert message_of() == (
        "every class must have train images; received: none in `b`; 1 of its files dropped from train, the first is "
        "`source/train/b/g1_x.png` (same group as test/b/g1_y.png)"
    )


NO_IMAGE = "the content is not an image of a supported format"


def test_class_left_empty_by_rejection_is_refused(source):
    folder = source(changes={"data.max_rejected": 1.0})
    (folder / "test/b/6.png").write_bytes(b"broken")
    assert message_of() == (
        "every class must have test images; received: none in `b`; 1 of its files rejected, the first is "
        f"`source/test/b/6.png` ({NO_IMAGE})"
    )


@pytest.mark.parametrize("readable", [0, 1])
def test_class_with_too_few_readable_images_to_be_split_is_refused(source, readable):
    folder = source([f"{name}/{number}.png" for name in "ab" for number in range(4)], {"data.max_rejected": 1.0})
    for number in range(readable, 4):
        (folder / f"b/{number}.png").write_bytes(b"broken")
    assert message_of() == (
        f"a class must have at least 2 images to be split; received: {readable} in `b`; {4 - readable} of its files "
        f"rejected, the first is `source/b/{readable}.png` ({NO_IMAGE})"
    )
    assert len(report()["rejected"]) == 4 - readable


def test_class_with_one_readable_group_is_refused(source):
    paths = [f"{name}/g{number}_.png" for name in "ab" for number in (1, 2)] + ["a/g1_x.png", "b/g1_y.png"]
    folder = source(paths, {"data.max_rejected": 1.0, "data.group_pattern": GROUPS})
    (folder / "b/g2_.png").write_bytes(b"broken")
    assert message_of() == (
        "a class must have at least 2 groups of `data.group_pattern` to be split; received: 1 in `b`; 1 of its files "
        f"rejected, the first is `source/b/g2_.png` ({NO_IMAGE})"
    )


@pytest.mark.parametrize("seed", range(8))
def test_broken_files_use_up_no_place_in_test(source, seed):
    paths = [f"{name}/{number:02}.png" for name in "ab" for number in range(11)]
    folder = source(paths, {"data.max_rejected": 0.5, "data.seed": seed})
    for number in np.random.default_rng(seed).permutation(11)[:3]:
        (folder / f"a/{number:02}.png").write_bytes(b"broken")
    ingest()
    assert report()["images"] == {"train": {"a": 6, "b": 9}, "test": {"a": 2, "b": 2}}
    whole = list_images(RAW)
    assert len(report()["rejected"]) == 3
    for entry in report()["rejected"]:
        (folder / entry["file"]).unlink()
    ingest()
    assert list_images(RAW) == whole


def test_nothing_is_left_of_where_images_waited_for_their_split(source):
    source()
    ingest()
    assert {entry.name for entry in RAW.iterdir()} == {"train", "test"}


@pytest.mark.parametrize("rename", [False, True])
def test_groups_are_not_divided(source, noise, rename):
    paths = [f"{name}/g{group}_{number}.png" for name in "ab" for group in range(5) for number in range(4)]
    source([*paths, "a/alone.png", "b/alone.png"], {"data.group_pattern": GROUPS, "data.rename": rename})
    ingest()
    scenes = {noise(index).tobytes(): path.split("_")[0][2:] for index, path in enumerate(paths)}
    split_of = {(path.split("/")[0], scenes.get(read_image(RAW / path).tobytes())) for path in list_images(RAW)}
    by_scene = [scene for _, scene in split_of if scene is not None]
    assert sorted(by_scene) == sorted(set(by_scene)) and len(by_scene) == 5
    assert report()["images"] == {"train": {"a": 17, "b": 17}, "test": {"a": 4, "b": 4}}
    assert report()["images_without_group"] == 2


@pytest.mark.parametrize("rename", [False, True])
def test_training_images_of_a_group_in_test_are_dropped_and_reported(source, capsys, rename):
    paths = [*SPLIT, "train/a/sub/g1_x.png", "train/b/g1_y.png", "train/b/g2_x.png", "test/b/g1_z.png"]
    source(paths, {"data.group_pattern": GROUPS, "data.rename": rename})
    ingest()
    assert len(list_images(RAW)) == len(paths) - 2
    (other,) = {entry.pop("same_group_as") for entry in report()["dropped_from_train"]}
    if rename:
        assert other == next(row["image"] for row in key() if row["source"] == "test/b/g1_z.png")
        assert {row["source"]: row["reason"] for row in key() if not row["image"]} == dict.fromkeys(
            ["train/a/sub/g1_x.png", "train/b/g1_y.png"], f"same group as {other}"
        )
    else:
        assert other == "test/b/g1_z.png"
        assert list_images(RAW) == sorted(set(paths) - {"train/a/sub/g1_x.png", "train/b/g1_y.png"})
        dropped = report()["dropped_from_train"]
        assert [entry["image"] for entry in dropped] == ["train/a/sub/g1_x.png", "train/b/g1_y.png"]
    assert report()["images_without_group"] == 6
    line = untimed(capsys.readouterr().out)
    assert "0 training images dropped that are test images too, 2 whose group is in test too; see" in line


def test_nothing_readable_is_refused(source):
    folder = source(changes={"data.max_rejected": 1.0})
    for path in SPLIT:
        (folder / path).write_bytes(b"")
    assert message_of() == (
        "every class must have train images; received: none in `a`; 2 of its files rejected, the first is "
        "`source/train/a/1.png` (the file is empty)"
    )
    assert report()["size"] == {}


def test_rejected_file_stops_the_stage_and_is_reported(source):
    folder = source()
    (folder / "train/a/broken.jpg").write_bytes(b"no image")
    (folder / "train/a/empty.jpg").write_bytes(b"")
    assert message_of() == (
        "`data.max_rejected` allows 0 of the 8 files to be rejected; received: 2, the first is "
        "`source/train/a/broken.jpg` (the content is not an image of a supported format); "
        "all are in metrics/ingest.json"
    )
    assert report()["rejected"] == [
        {"file": "train/a/broken.jpg", "reason": "the content is not an image of a supported format"},
        {"file": "train/a/empty.jpg", "reason": "the file is empty"},
    ]


def test_rejected_file_is_named_as_in_the_source(source):
    folder = source([f"{name}/{number}.png" for name in "ab" for number in range(4)])
    (folder / "a/x").mkdir()
    (folder / "a/x/broken.png").write_bytes(b"no image")
    assert "the first is `source/a/x/broken.png` (" in message_of()
    assert report()["rejected"][0]["file"] == "a/x/broken.png"


@pytest.mark.parametrize(("share", "passes"), [(0.29, True), (0.28, False), (1.0, True)])
def test_share_of_rejected_files_may_be_reached(source, share, passes):
    # 0.29 * 100 is less than 29 in binary fractions.
    folder = source(["train/a/x.png", "train/b/x.png", "test/a/x.png", "test/b/x.png"], {"data.max_rejected": share})
    for number in range(67):
        Image.new("RGB", (2, 2), (number, 0, 0)).save(folder / f"train/a/{number}.png")
    for number in range(29):
        (folder / f"train/b/{number}.png").write_bytes(b"broken")
    if passes:
        ingest()
        assert len(report()["rejected"]) == 29
        assert len(list_images(RAW)) == 71
    else:
        assert message_of().startswith("`data.max_rejected` allows 0.28 of the 100 files to be rejected; received: 29")


def test_too_many_pixels_are_rejected_before_decoding(source):
    folder = source()
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (folder / "train/a/bomb.png").write_bytes(start + b"\0\0\0\0IDAT")
    assert "(20000 x 20000 pixels are more than data.max_pixels 100000000)" in message_of()


@pytest.mark.parametrize(("image_format", "side"), [("png", 1_000_001), ("jpg", 65_501)])
def test_side_that_cannot_be_written_is_rejected(source, image_format, side):
    folder = source(changes={"data.image_format": image_format})
    Image.new("RGB", (1, side)).save(folder / "train/a/long.bmp")
    assert f"(a side of {side} pixels is too long for .{image_format})" in message_of()


def test_long_side_is_taken_where_it_is_scaled_down(source):
    folder = source(changes={"data.max_side": 1000})
    Image.new("RGB", (1, 1_000_001)).save(folder / "train/a/long.bmp")
    ingest()
    assert read_image(RAW / "train/a/long.png").shape == (1000, 1, 3)


def test_links_pipes_and_broken_links_are_rejected_with_reasons(source):
    folder = source(changes={"data.max_rejected": 0.5})
    os.mkfifo(folder / "train/a/pipe.png")
    (folder / "train/a/nowhere.png").symlink_to("missing")
    (folder / "train/a/up").symlink_to("..")
    (folder / "train/a/out.png").symlink_to(Path("params.yaml").absolute())
    (folder / "train/a/out").symlink_to("../../..")
    ingest()
    assert {entry["file"]: entry["reason"] for entry in report()["rejected"]} == {
        "train/a/out": "the link leads out of data.source (data.follow_outside_links: false)",
        "train/a/out.png": "the link leads out of data.source (data.follow_outside_links: false)",
        "train/a/nowhere.png": "the file cannot be read (No such file or directory)",
        "train/a/pipe.png": "not a regular file",
        "train/a/up": "the folder was taken already, or a link in it leads to a folder above",
    }


@pytest.mark.parametrize(("share", "passes"), [(0.1, True), (0.0, False)])
def test_folder_that_cannot_be_listed_counts_as_one_rejected_file(source, lock, share, passes):
    source(
        [*SPLIT, *(f"train/a/{number}.png" for number in "789"), "train/a/locked/x.png"], {"data.max_rejected": share}
    )
    lock("locked")
    if passes:
        ingest()
        assert report()["images"]["train"] == {"a": 5, "b": 2}
    else:
        assert message_of().startswith(
            "`data.max_rejected` allows 0 of the 10 files to be rejected; received: 1, the first is "
            "`source/train/a/locked` (the folder cannot be listed (Permission denied)); "
        )
    assert report()["rejected"] == [
        {"file": "train/a/locked", "reason": "the folder cannot be listed (Permission denied)"}
    ]


def test_strange_names_are_taken(source, noise):
    folder = source()
    names = [b"caf\xe9.png", b"x" * 255, "日本.png".encode(), b"a b'\".png", b"[1].png", b"same.bmp", b"same.tif"]
    for seed, name in enumerate(names, 100):
        Image.fromarray(noise(seed)).save(folder / "train/a" / os.fsdecode(name), "PNG")
    ingest()
    assert report()["images"]["train"] == {"a": 2 + len(names), "b": 2}
    written = set(list_images(RAW))
    assert {"train/a/caf_udce9.png", "train/a/日本.png", "train/a/same.bmp.png", "train/a/same.tif.png"} <= written
    assert all(path.encode() for path in written)


def test_class_with_a_name_that_is_not_utf8_is_taken(source, noise):
    folder = source()
    for seed, split in enumerate(("train", "test"), 100):
        name = folder / split / os.fsdecode(b"caf\xe9")
        name.mkdir()
        Image.fromarray(noise(seed)).save(name / "1.png")
    ingest()
    assert report()["images"]["test"] == {"a": 1, "b": 1, "caf_udce9": 1}


@pytest.mark.parametrize("rename", [False, True])
def test_classes_may_be_called_like_splits(source, rename):
    paths = [f"{split}/{name}/1.png" for split in ("train", "test") for name in ("train", "test")]
    source(paths, {"data.rename": rename})
    ingest()
    assert report()["images"] == {"train": {"test": 1, "train": 1}, "test": {"test": 1, "train": 1}}
    if not rename:
        assert list_images(RAW) == sorted(paths)


def test_extension_is_not_believed(source, noise):
    folder = source()
    Image.fromarray(noise(50)).save(folder / "train/a/really_bmp.jpg", "BMP")
    Image.fromarray(noise(51)).save(folder / "train/a/no_suffix", "PNG")
    ingest()
    assert np.array_equal(read_image(RAW / "train/a/really_bmp.png"), noise(50))
    assert np.array_equal(read_image(RAW / "train/a/no_suffix.png"), noise(51))


def test_exif_rotation_is_applied_and_not_applied_again(source, noise):
    folder = source()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(50)).save(folder / "train/a/turned.png", exif=exif)
    ingest()
    assert np.array_equal(read_image(RAW / "train/a/turned.png"), np.rot90(noise(50), -1))


def test_missing_source_is_refused_before_anything_is_written(source):
    source(changes={"data.source": "elsewhere"})
    assert message_of() == "`data.source` must be a folder of images; received: elsewhere (no such folder)"
    assert not Path("metrics").exists()


def test_failure_leaves_the_last_whole_folder(source):
    folder = source()
    ingest()
    (folder / "train/a/broken.png").write_bytes(b"broken")
    with pytest.raises(PipelineError):
        ingest()
    assert list_images(RAW) == sorted(SPLIT)


def test_broken_metadata_gives_no_warning(source, noise):
    folder = source()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x09" + b"\xff" * 30
    for number in range(20):
        Image.fromarray(noise(100 + number)).save(folder / f"train/a/{number}.jpg", exif=exif)
    ingest()  # warnings are errors
    assert report()["images"]["train"]["a"] == 22
