"""The stages work on new images alone, in either layout, and the result is that of a run from scratch."""

import os
import random
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.anonymize import anonymize
from stages.core.boxes import Box, write_boxes
from stages.core.datasets import Dataset
from stages.core.paths import DETECTIONS_FILE, LAST_RUN, SECRET_FILE
from stages.core.seeding import order_key
from stages.extract import extract
from stages.ingest import ingest
from stages.sources.staging import Decoder
from tests.clones import outputs
from tests.faults import failing

PARAMS = {
    "data.source": "source",
    "data.shard_images": 5,
    "variants": {
        "noisy": {"method": "dp_pix", "block_size": 4, "epsilon": 2.0, "neighbourhood": 1},
        "dealt": {"method": "blocking_merging", "block_size": 4, "pattern": "random", "inpaint": "telea"}
        | {"inpaint_radius": 2, "orb_features": 0, "seed": 0},
        "faces": {"method": "mask", "value": 0, "where": "regions"},
    },
    "datasets": ["raw", "noisy"],
}
LAYOUTS = pytest.mark.parametrize("layout", ["files", "shards"])


def edit(draw: random.Random, seed: int) -> None:
    """Add, change, move and remove images of the source."""
    files = sorted(Path("source").rglob("*.png"))
    for file in draw.sample(files, min(len(files), 3)):
        if len(list(file.parent.iterdir())) > 2:
            file.unlink() if draw.random() < 0.5 else file.rename(file.with_name(f"moved{seed}.png"))
    for number in range(draw.randint(1, 4)):
        pixels = np.random.default_rng([seed, number]).integers(0, 256, (16, 20, 3), np.uint8)
        name = draw.choice([f"{seed}_{number}.png", "0_0.png"])
        Image.fromarray(pixels).save(Path("source") / draw.choice(["train/a", "train/b", "test/a", "test/b"]) / name)


def run_all(variants: Iterable[str] = PARAMS["variants"], datasets: Iterable[str] = PARAMS["datasets"]):
    """Run the stages; return all that they wrote."""
    ingest()
    boxes = {path: [Box(2, 2, 8, 8)] for path in Dataset(Path("data/raw")).paths() if "b/" in path}
    write_boxes(DETECTIONS_FILE, boxes)
    for name in variants:
        anonymize(name)
    for name in datasets:
        extract(name)
    return outputs()


def start(workspace, save_images, layout: str, **changes) -> None:
    workspace(PARAMS | {"data.layout": layout} | changes)
    paths = [f"source/{split}/{name}/{n}.png" for split in ("train", "test") for name in "ab" for n in range(6)]
    save_images(Path(), paths)


@pytest.mark.parametrize(("layout", "rename"), [("files", True), ("shards", False)])
def test_step_by_step_gives_the_bytes_of_a_run_from_scratch(workspace, save_images, layout, rename):
    start(workspace, save_images, layout, **{"data.rename": rename})
    draw = random.Random(0)
    for seed in (1, 2):
        edit(draw, seed)
        written = run_all()
        shutil.move(LAST_RUN, "kept")
        assert run_all() == written
        shutil.rmtree(LAST_RUN)
        shutil.move("kept", LAST_RUN)


@LAYOUTS
def test_one_new_image_is_the_only_one_that_is_worked_on(workspace, save_images, noise, layout, capsys):
    start(workspace, save_images, layout)
    run_all()
    assert "unchanged since" not in capsys.readouterr().out
    Image.fromarray(noise(99)).save("source/train/a/new.png")
    run_all()
    lines = capsys.readouterr().out.splitlines()
    unchanged = {
        line.split()[0] + re.search(r"(raw|noisy|dealt|faces)/", line)[1]: line for line in lines if "into" in line
    }
    for stage in ("ingest:raw", "anonymize:noisy", "anonymize:dealt", "anonymize:faces"):
        assert ", 24 of them unchanged since the last run" in unchanged[stage]
    assert 0 < int(re.search(r", (\d+) of them unchanged", unchanged["extract:raw"])[1]) < 24


def test_nothing_is_used_again_that_another_secret_argument_code_or_machine_made(
    workspace, save_images, monkeypatch, capsys
):
    start(workspace, save_images, "files")
    run_all(["noisy", "dealt"], [])
    for change, everywhere in {
        lambda: SECRET_FILE.write_bytes(bytes(range(32))): False,
        lambda: workspace(PARAMS | {"variants.noisy.epsilon": 1.0}): False,
        lambda: monkeypatch.setattr("stages.core.store.code_digest", lambda *_: "another"): True,
        lambda: monkeypatch.setattr("stages.core.store.environment", lambda *_: "another"): True,
    }.items():
        change()
        capsys.readouterr()
        anonymize("noisy")
        assert "unchanged" not in capsys.readouterr().out
        anonymize("dealt")
        assert ("unchanged" in capsys.readouterr().out) != everywhere


def test_both_layouts_hold_the_same_images_and_give_the_same_inputs(workspace, save_images):
    results, folders = {}, [Path("data") / name for name in ("raw", *PARAMS["variants"])]
    for layout in ("files", "shards"):
        start(workspace, save_images, layout)
        written = run_all()
        assert any(path.endswith(".tar") for path in written) == (layout == "shards")
        images = {folder / path: Dataset(folder).read(path) for folder in folders for path in Dataset(folder).paths()}
        rest = {path: written[path] for path in written if Path(*Path(path).parts[:2]) not in folders}
        results[layout] = images, rest
    assert results["files"] == results["shards"]
    assert any(path.endswith("inputs.npy") for path in results["files"][1])


def test_two_rounds_of_reading_mix_up_no_images(workspace, save_images, noise):
    # Of each class the image that is drawn first is broken, so that another takes its place, beside one that is whole.
    workspace(PARAMS | {"data.max_per_class": 1, "data.max_rejected": 0.9})
    paths = [f"{split}/{name}/{n}.png" for split in ("train", "test") for name in "ab" for n in "012"]
    save_images(Path("source"), paths)
    for name in "ab":
        first = min("012", key=lambda n: order_key(0, f"train/{name}/{n}.png"))
        Path("source/train", name, f"{first}.png").write_bytes(b"broken")
    ingest()
    raw = Dataset(Path("data/raw"))
    assert len(raw.paths()) == 4
    assert all(np.array_equal(raw.image(path), noise(paths.index(path))) for path in raw.paths())


def test_an_image_that_was_not_staged_whole_is_decoded_again(workspace, save_images, monkeypatch):
    start(workspace, save_images, "files")
    right = run_all([], [])
    shutil.rmtree(LAST_RUN)
    decode = Decoder.decode

    def decode_and_cut(self, chunk):
        outcomes = decode(self, chunk)
        for pack in self._staged.iterdir():
            os.truncate(pack, pack.stat().st_size // 2)
        return outcomes

    monkeypatch.setattr(Decoder, "decode", decode_and_cut)
    assert run_all([], []) == right


def test_a_rejected_file_is_read_again(workspace, save_images, monkeypatch, capsys):
    start(workspace, save_images, "files", **{"data.max_rejected": 1})
    with monkeypatch.context() as patch:
        patch.setattr("PIL.Image.Image.convert", failing(Image.Image.convert, MemoryError(), after=20))
        ingest()
    assert "4 files rejected" in capsys.readouterr().out
    ingest()
    assert "0 files rejected" in capsys.readouterr().out


def test_what_is_kept_of_a_variant_that_is_gone_goes_with_the_next_images(workspace, save_images):
    start(workspace, save_images, "files")
    run_all(["noisy", "dealt"], [])
    LAST_RUN.chmod(0o755)
    workspace(PARAMS | {"variants": {"noisy": PARAMS["variants"]["noisy"]}})
    ingest()
    assert {folder.name.split()[0] for folder in LAST_RUN.iterdir()} == {"raw", "masks", "noisy"}
    assert LAST_RUN.stat().st_mode & 0o077 == 0


def test_inputs_whose_index_or_bytes_are_broken_are_made_again_and_counted_so(workspace, save_images, capsys):
    start(workspace, save_images, "files")
    right = run_all([], ["raw"])
    for index in ("{}", "[]", "", None):
        for file in LAST_RUN.glob("raw inputs */index.json"):
            broken = file.with_name("inputs.npy") if index is None else file
            content = broken.read_bytes()
            broken.unlink()
            broken.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if index is None else index.encode())
        capsys.readouterr()
        extract("raw")
        assert "unchanged" not in capsys.readouterr().out
        assert outputs() == right


def test_inputs_of_another_size_are_not_taken_for_these(workspace, save_images, capsys):
    start(workspace, save_images, "files")
    run_all([], ["raw"])
    workspace(PARAMS | {"train.image_size": 48})
    capsys.readouterr()
    extract("raw")
    assert "unchanged" not in capsys.readouterr().out
