"""`ingest` on whole sources: what is written, counted, dropped and refused. How files are read is in `sources/`."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from stages import ingest as ingest_stage
from stages.attack import attack
from stages.compare import compare
from stages.core.boxes import Box, read_boxes
from stages.core.errors import PipelineError
from stages.core.images import list_images, read_image
from stages.core.paths import LAST_RUN, RAW_FOLDER, REGIONS_FILE
from stages.core.people import read_people, read_test_groups
from stages.evaluate import evaluate
from stages.extract import extract
from stages.ingest import ingest
from stages.sources.key import read_key
from stages.train import train
from tests.clones import ROOT
from tests.faults import message_of

GROUPS = {"data.group_pattern": r"/g(\d)_"}
SPLIT = ["train/a/1.png", "train/a/2.png", "train/b/3.png", "train/b/4.png", "test/a/5.png", "test/b/6.png"]
NAMES = ["train/a/Ann Lee/id1_1.png", "train/a/id2_Bob.png", "train/b/id1_Ann.png"]
NAMES += ["test/a/id2_Bob.png", "test/b/Cy.png"]
NO_IMAGE = "the content is not an image of a supported format"


@pytest.fixture
def source(workspace, save_images):
    def make(paths: list[str] = SPLIT, changes: dict | None = None) -> Path:
        folder = workspace({"data.source": "source", **(changes or {})}) / "source"
        save_images(folder, paths)
        return folder

    return make


def report() -> dict:
    return json.loads(Path("metrics/ingest.json").read_text(encoding="ascii"))


def images() -> dict[str, bytes]:
    return {path: (RAW_FOLDER / path).read_bytes() for path in list_images(RAW_FOLDER)}


def images_by_source() -> dict[str, str]:
    return {path: image for image, path, _ in read_key(RAW_FOLDER) if image}


def refusal() -> str:
    said = message_of(PipelineError, ingest)
    assert not [entry.name for entry in Path().glob("data/*") if entry.name not in ("secret.key", ".partial")]
    return said


def test_images_and_report_are_written_and_the_source_is_left_as_it_is(source, noise):
    folder = source()
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*.png")}
    Path("data").mkdir()
    Path("data/key.csv").write_text("of an older run that renamed")
    ingest()
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*.png")} == before
    assert list_images(RAW_FOLDER) == sorted(SPLIT)
    assert {entry.name for entry in RAW_FOLDER.iterdir()} == {"train", "test"}
    written = ".partial groups.csv identities.csv masks raw regions.csv"
    assert {entry.name for entry in Path("data").iterdir()} == set(written.split())
    assert Path("data/groups.csv").read_text() == "image,group\n"
    assert read_boxes(REGIONS_FILE) == {}
    assert all(np.array_equal(read_image(RAW_FOLDER / path), noise(seed)) for seed, path in enumerate(SPLIT))
    assert report()["images"] == {"train": {"a": 2, "b": 2}, "test": {"a": 1, "b": 1}}


@pytest.mark.parametrize("renamed", [False, True])
def test_bytes_do_not_depend_on_workers_nor_renamed_images_on_names(source, monkeypatch, renamed):
    paths = [f"{split}/{name}/{number}.png" for split in ("train", "test") for name in "ab" for number in range(8)]
    renamed_paths = [path.replace("/a/", "/a/other/") for path in paths] if renamed else paths
    written = []
    for workers, names in (("1", paths), ("8", renamed_paths)):
        folder = source(names, {"data.max_side": 9, "data.rename": renamed})
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        ingest()
        written.append(images() | {"report": report()})
        shutil.rmtree(folder)
        shutil.rmtree(LAST_RUN)
    assert written[0] == written[1]
    assert read_image(RAW_FOLDER / next(iter(images()))).shape == (7, 9, 3)


@pytest.mark.parametrize(("image_format", "side"), [("png", 1_000_001), ("jpg", 65_501)])
def test_side_that_cannot_be_written_is_rejected_unless_it_is_scaled_down(source, image_format, side):
    folder = source(changes={"data.image_format": image_format})
    Image.new("RGB", (1, side)).save(folder / "train/a/long.bmp")
    assert f"(a side of {side} pixels is too long for .{image_format})" in refusal()
    source(changes={"data.image_format": image_format, "data.max_side": 1000})
    ingest()
    assert read_image(RAW_FOLDER / f"train/a/long.{image_format}").shape == (1000, 1, 3)
    assert set(Path(path).suffix for path in images()) == {f".{image_format}"}


def test_who_is_in_an_image_is_kept_and_files_that_give_no_image_are_counted(source, noise, capsys):
    folder = source([*SPLIT, "train/a/.hidden.png"], {"data.max_rejected": 0.5})
    (folder / "train/b/broken.png").write_bytes(b"broken")
    Image.fromarray(noise(4)).save(folder / "train/a/leak.png")  # the pixels of test/a/5.png
    people = dict.fromkeys(["train/a/.hidden.png", "train/b/broken.png", "train/a/leak.png", SPLIT[0]], "Ada")
    people |= {"test/a/5.png": "Ada", "test/b/6.png": "Bob"}
    (folder / "identities.csv").write_text(
        "path,identity\n" + "".join(f"{row},{name}\n" for row, name in people.items())
    )
    ingest()
    rows = "image,identity\ntest/a/5.png,0\ntest/b/6.png,1\ntrain/a/1.png,0\n"
    assert Path("data/identities.csv").read_text() == rows
    assert report()["known_people_without_image"] == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "ingest: 3 files whose person is known gave no image: hidden, left out, rejected or dropped"
    assert ", 3 of known people, 1 files rejected, 1 ignored (1 hidden), 1 training images dropped" in lines[0]


TABLE = "path,identity\ntrain/ID3/id3_8.png,ID3\ntest/ID3/id4_9.png,ID4\ntrain/a/annual.png,Ann\n"
NAMING = {
    "pattern": ({}, "", "paths"),
    "table": ({}, TABLE, "paths"),
    "renamed": ({"data.rename": True}, "", ""),
    "classes": ({"data.rename": True, "data.identity_pattern": "^/(ID.)/"}, "", "class folders"),
}


@pytest.mark.parametrize(("changes", "table", "message"), NAMING.values(), ids=NAMING)
def test_paths_that_name_people_are_counted_and_reported(source, capsys, changes, table, message):
    folder = source([*SPLIT, "train/a/annual.png", "train/ID3/id3_8.png", "test/ID3/id4_9.png"], changes)
    if table:
        (folder / "identities.csv").write_text(table)
    ingest()
    assert report()["paths_that_name_people"] == (2 if message else 0)
    out = capsys.readouterr().out
    assert f"the {message} of 2 images name the person" in out or not message
    assert out.count("\n") == (2 if message else 1)
    assert "id3" not in out.lower()


def test_renamed_images_are_numbered_and_the_key_alone_knows_their_names(source, noise):
    folder = source(NAMES, {"data.rename": True, "data.max_rejected": 0.5})
    (folder / "train/a/Dora.png").write_bytes(b"broken")
    Image.fromarray(noise(4)).save(folder / "train/b/Cy again.png")  # the pixels of test/b/Cy.png
    ingest()
    renamed = images_by_source()
    assert sorted(Path(path).stem for path in images()) == [f"{number:06}" for number in range(1, 6)]
    assert (renamed.keys(), sorted(renamed.values())) == (set(NAMES), list_images(RAW_FOLDER))
    for seed, name in enumerate(NAMES):
        assert renamed[name].split("/")[:2] == name.split("/")[:2]
        assert renamed[name].count("/") == 2
        assert np.array_equal(read_image(RAW_FOLDER / renamed[name]), noise(seed))
    cy = renamed["test/b/Cy.png"]
    reasons = {path: reason for image, path, reason in read_key(RAW_FOLDER) if not image}
    assert reasons == {"train/a/Dora.png": NO_IMAGE, "train/b/Cy again.png": f"equals {cy}"}
    assert (report()["rejected"], report()["dropped_from_train"]) == ([{"reason": NO_IMAGE}], [{"equals": cy}])
    people = {
        f"{split}/{path}": name for split, known in read_people()._asdict().items() for path, name in known.items()
    }
    ann, other_ann, bob, other_bob = (people[renamed[NAMES[place]]] for place in (0, 2, 1, 3))
    assert ann == other_ann != bob == other_bob


@pytest.mark.parametrize("renamed", [True, False])
def test_groups_of_people_go_with_their_images_and_no_file_of_the_source_is_taken_for_one(source, renamed):
    folder = source(NAMES, {"data.rename": renamed})
    groups = {"test/b/Cy.png": "young", "test/a/id2_Bob.png": "old", "train/a/id2_Bob.png": "old"}
    (folder / "groups.csv").write_text("Path;Group\n" + "".join(f"{path};{group}\n" for path, group in groups.items()))
    ingest()
    written = images_by_source() if renamed else {name: name for name in NAMES}
    assert read_test_groups() == {written[name].removeprefix("test/"): groups[name] for name in list(groups)[:2]}
    assert Path("data/groups.csv").read_text().count("\n") == 4
    assert report()["ignored_files"] == {}
    (folder / "groups.csv").write_text("path,group\ntest/b/Di.png,young\n")
    assert "groups.csv`, line 2: `path` must name a file of the source" in message_of(PipelineError, ingest)


@pytest.mark.parametrize("renamed", [True, False])
def test_boxes_go_with_their_upright_images_and_those_of_no_image_are_counted(source, noise, renamed):
    changes = {"data.rename": renamed, "data.max_side": 8, "data.max_rejected": 0.5, "data.image_format": "jpg"}
    folder = source(SPLIT, changes)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # 12 x 16 pixels upright; its upper left corner is stored at the lower left
    image = np.zeros_like(noise())
    image[-6:, :4] = 255
    Image.fromarray(image).save(folder / "train/a/1.png", exif=exif)
    (folder / "train/b/broken.png").write_bytes(b"broken")
    Image.fromarray(noise(4)).save(folder / "train/a/leak.png")  # the pixels of test/a/5.png
    rows = ["train/a/1.png,0,0,6,4,Ann", "train/a/1.png,0,0,6,4,Ann", "test/b/6.png,-1,3,40,2,Bob"]
    rows += [f"train/{name},0,0,9,9," for name in ("b/broken.png", "a/leak.png")]
    (folder / "regions.csv").write_text("\n".join(["path,x,y,width,height,label", *rows]))
    ingest()
    written = images_by_source() if renamed else {path: path.replace("png", "jpg") for path in SPLIT}
    boxes = read_boxes(REGIONS_FILE)
    ann, bob = ("", "") if renamed else ("Ann", "Bob")
    assert boxes == {written[SPLIT[0]]: [Box(0, 0, 3, 2, ann)], written[SPLIT[5]]: [Box(-1, 1, 21, 2, bob)]}
    pixels = read_image(RAW_FOLDER / written[SPLIT[0]])
    assert pixels.shape == (8, 6, 3) and pixels[:2, :3].min() > 200 and pixels[4:].max() < 50
    counts = {"boxes": 2, "images_with_boxes": 2, "boxes_without_image": 2, "boxes_given_twice": 1}
    assert counts.items() <= report().items()
    assert report()["ignored_files"] == {}


def test_a_box_beside_its_image_stops_the_stage(source):
    (source() / "regions.csv").write_text("path,x,y,width,height\ntrain/a/1.png,16,0,5,5\n")
    assert refusal().startswith("`source/regions.csv`, line 2: a box must overlap its image, upright 16 x 12 pixels")


def test_times_of_renamed_images_do_not_follow_the_names_and_numbers_follow_the_secret(source):
    paths = [f"{split}/{name}/{number:03}.png" for split in ("train", "test") for name in "ab" for number in range(20)]
    source(paths, {"data.rename": True})
    ingest()
    first = images_by_source()
    order = [(RAW_FOLDER / first[path]).stat().st_mtime_ns for path in sorted(first)]
    assert sum(path < following for path, following in zip(order, order[1:], strict=False)) < 60
    Path("data/secret.key").unlink()
    ingest()
    assert images_by_source() != first


@pytest.mark.parametrize("broken", ["decode_wanted", "make_report", "write_people", "write_key"])
def test_run_that_fails_on_the_way_leaves_no_key_to_images_that_may_be_others(source, monkeypatch, broken):
    source(NAMES, {"data.rename": True})
    ingest()
    before = images()
    Path("data/.key.csv.123.csv").touch()  # of a killed process

    def fail(*_, **__):
        raise OSError("broken")

    monkeypatch.setattr(ingest_stage, broken, fail)
    with pytest.raises(OSError, match="broken"):
        ingest()
    assert not list(Path("data").glob("*key.csv*"))
    assert images() == before


def test_key_is_kept_out_of_git_and_of_the_pipeline():
    ignored = subprocess.run(["git", "check-ignore", "-q", "data/key.csv"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
    assert "key.csv" not in (ROOT / "dvc.yaml").read_text()


@pytest.mark.parametrize("renamed", [False, True])
def test_what_files_hold_besides_and_what_is_ignored_is_told_in_each_run(source, noise, capsys, renamed):
    folder = source(changes={"data.rename": renamed})
    pages = [Image.fromarray(noise(seed)) for seed in range(10, 13)]
    pages[0].save(folder / "train/a/pages.tif", save_all=True, append_images=pages[1:])
    (folder / "train/a/@eaDir").mkdir()
    for name in ("Ann.MOV", "@eaDir/Bob.png", "LICENSE"):
        (folder / "train/a" / name).write_bytes(b"x")
    for _ in range(2):
        ingest()
        first, second, *_ = capsys.readouterr().out.splitlines()
        assert "3 ignored (1 @eaDir, 1 video, 1 without extension)" in first
        assert second.startswith("ingest: 1 files hold more pictures")
        assert report()["ignored_files"] == {"@eaDir": 1, "video": 1, "without extension": 1}
        assert report()["notes"] == [{"further_pictures": 2} | ({} if renamed else {"file": "train/a/pages.tif"})]


def test_images_of_the_same_bytes_in_another_shape_are_no_copies(source):
    folder = source()
    Image.new("RGB", (4, 6)).save(folder / "train/a/black.png")
    Image.new("RGB", (6, 4)).save(folder / "test/a/black.png")
    ingest()
    assert report()["dropped_from_train"] == []


def test_broken_metadata_gives_no_warning(source, noise):
    folder = source()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x09" + b"\xff" * 30
    for seed, path in enumerate(SPLIT):
        Image.fromarray(noise(seed)).save(folder / path, "JPEG", exif=exif)
    ingest()  # warnings are errors
    assert list_images(RAW_FOLDER) == sorted(SPLIT)


PHOTOS = ["1.jpg", "2020/may/1.png", "test/x/2.png", "train/x/3.bmp"]


@pytest.mark.parametrize("renamed", [False, True])
def test_photos_without_classes_keep_their_tree_or_get_numbers_alone(source, noise, renamed):
    changes = {"data.classes": "none", "data.rename": renamed, "data.max_per_class": 1, "data.max_side": 8}
    folder = source(PHOTOS, changes | {"data.max_rejected": 0.2} | GROUPS)
    Image.fromarray(noise(2)).save(folder / "train/x/3.bmp")  # the pixels of test/x/2.png
    (folder / "2020/broken.jpg").write_bytes(b"broken")
    for name in (".hidden.png", "notes.txt"):
        (folder / name).write_bytes(b"x")
    (folder / "identities.csv").write_text("of no use")
    (folder / "regions.csv").write_text("path,x,y,width,height\n2020/may/1.png,2,2,4,4\n1.jpg,0,0,4,4\n")
    ingest()
    written = images_by_source() if renamed else {path: f"{path[:-4]}.png" for path in PHOTOS}
    assert list_images(RAW_FOLDER) == sorted(written.values())
    assert list_images(RAW_FOLDER) == [f"{number:06}.png" for number in range(1, 5)] or not renamed
    assert {read_image(RAW_FOLDER / path).shape for path in list_images(RAW_FOLDER)} == {(6, 8, 3)}
    boxes = {written["2020/may/1.png"]: [Box(1, 1, 2, 2)], written["1.jpg"]: [Box(0, 0, 2, 2)]}
    assert read_boxes(REGIONS_FILE) == boxes
    assert Path("data/identities.csv").read_text() == "image,identity\n"
    assert Path("data/groups.csv").read_text() == "image,group\n"
    assert (report()["near_duplicates"], report()["groups_of_near_duplicates"]) == (2, 1)
    assert (report()["images"], report()["dropped_from_train"]) == (4, [])
    assert report()["ignored_files"] == {"hidden": 1, "text": 1}
    assert report()["rejected"] == [{"reason": NO_IMAGE} | ({} if renamed else {"file": "2020/broken.jpg"})]


@pytest.mark.parametrize(
    ("stage", "arguments"), [*((stage, ["raw"]) for stage in (extract, train, evaluate, attack)), (compare, [])]
)
def test_stages_that_need_classes_stop_before_anything_else(workspace, stage, arguments):
    workspace({"data.classes": "none"})
    said = f"`{stage.__name__}` is left out, as it needs `data.classes: folders`; received: none; "
    with pytest.raises(PipelineError, match=re.escape(said) + "`dvc repro anonymize` is the whole pipeline$"):
        stage(*arguments)


def test_photos_that_are_all_rejected_are_refused(source):
    (source(changes={"data.classes": "none", "data.max_rejected": 1.0}, paths=[".x/1.png"]) / "1.png").write_bytes(b"x")
    assert f"received: 1 rejected, the first is `source/1.png` ({NO_IMAGE})" in refusal()


FOUR = [f"{name}/{number}.png" for name in "ab" for number in range(4)]
TIED = ["train/a/1.png", "train/b/g1_x.png", "test/a/3.png", "test/b/g1_y.png"]
# The files of the source, those of them that are broken, which images are missing, and the file that is named.
EMPTY = {
    "groups": (TIED, [], "train", TIED[1]),
    "test": (SPLIT, ["test/b/6.png"], "test", "test/b/6.png"),
    "all": (SPLIT, SPLIT, "train", min(SPLIT)),
    "one of four": (FOUR, FOUR[5:], "test", FOUR[5]),
}


@pytest.mark.parametrize(("paths", "broken", "split", "first"), EMPTY.values(), ids=EMPTY)
def test_class_left_without_images_is_refused_with_the_reason(source, paths, broken, split, first):
    folder = source(paths, {"data.max_rejected": 1.0, **GROUPS})
    for path in broken:
        (folder / path).write_bytes(b"broken")
    message, name = refusal(), first.split("/")[-2]
    assert f"every class must have {split} images; received: none in `{name}`" in message
    assert f"the first is `source/{first}` (" in message
    assert report()["rejected"] == [{"file": path, "reason": NO_IMAGE} for path in sorted(broken)]
    dropped = [{"image": TIED[1], "same_group_as": TIED[3]}] if paths is TIED else []
    assert report()["dropped_from_train"] == dropped


def test_rejected_files_are_counted_and_named_and_stop_the_stage_past_their_share(source, lock):
    folder = source([*FOUR[:7], "a/x/locked/9.png"])
    (folder / "a/x/broken.jpg").write_bytes(b"no image")
    (folder / "b/empty.jpg").write_bytes(b"")
    lock("locked")
    source([], {"data.max_rejected": 0.29})
    assert "`data.max_rejected` allows 0.29 of the 10 files" in refusal()
    rejected = [
        {"file": "a/x/broken.jpg", "reason": NO_IMAGE},
        {"file": "a/x/locked", "reason": "the folder cannot be listed (Permission denied)"},
        {"file": "b/empty.jpg", "reason": "the file is empty"},
    ]
    assert report()["rejected"] == rejected
    source([], {"data.max_rejected": 0.29, "data.rename": True})
    assert "with `data.rename: false`" in refusal()
    assert sorted(report()["rejected"], key=str) == sorted(({"reason": entry["reason"]} for entry in rejected), key=str)
    source([], {"data.max_rejected": 0.3})
    ingest()
    assert report()["rejected"] == rejected
    assert len(images()) == 7
