"""The real `dvc repro`, on a tiny data set in a temporary clone, and what a change reruns."""

import re
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from stages.core.files import write_file
from tests.clones import ENVIRONMENT, commit, make_clone, set_param, shrink_networks
from tests.clones import run as run_in
from tests.strange.metadata import FORMATS, marked

DATASETS = ["raw", "gaussian_blur"]
VARIANTS = ["gaussian_blur", "morphology", "blocking_merging"]
PER_DATASET = ["attack", "extract", "train", "evaluate"]
# With one worker, no process imports TensorFlow besides that of the stage.
run = partial(run_in, environment=ENVIRONMENT | {"PIPELINE_WORKERS": "1"})


def stages_run(output):
    return set(re.findall(r"Running stage '([^']+)'", output))


def draw_photos(folder):
    rng = np.random.default_rng(0)
    for split, count in (("train", 10), ("test", 4)):
        for name, colour in (("red", (40, 40, 220)), ("blue", (220, 40, 40))):
            for number in range(count):
                image = rng.integers(0, 60, (48, 64, 3)) + np.array(colour) * 0.7
                marked_image = FORMATS["png"](image[..., ::-1].astype(np.uint8))  # with all kinds of metadata
                write_file(folder / split / name / f"id{number % 2}_{number}.png", marked_image)
    groups = [f"test/red/id{number % 2}_{number}.png,{'old' if number % 2 else 'young'}\n" for number in range(4)]
    (folder / "groups.csv").write_text("".join(["path,group\n", *groups]))
    boxes = [f"{file.relative_to(folder)},8,4,20,24\n" for file in sorted(folder.rglob("*.png"))]
    (folder / "regions.csv").write_text("".join(["path,x,y,width,height\n", *boxes]))


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of the working tree that trains a small network on 28 images, after its first `dvc repro`."""
    folder, photos = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("photos")
    draw_photos(photos)
    params = {
        "data.source": str(photos),
        "datasets": DATASETS,
        "variants.gaussian_blur.where": "regions",
        "sample.train_images": 8,
        "sample.test_images": 8,
        "sample.size": 32,
        "train.epochs": 2,
        "train.seeds": [0],
        "train.batch_size": 4,
        "train.validation_fraction": 0.2,
        "attack.image_size": 32,
        "attack.reconstruction_images": 10,
    }
    make_clone(folder, params)
    shrink_networks(folder)
    commit(folder, "Tiny data set")
    output = run(folder, "dvc", "repro")
    commit(folder, "Results")
    return folder, output


def test_a_first_run_runs_every_stage(clone):
    _, output = clone
    expected = {"sample", "ingest", "detect", "compare"}
    expected |= {f"anonymize@{name}" for name in VARIANTS}
    expected |= {f"{stage}@{name}" for stage in PER_DATASET for name in DATASETS}
    assert stages_run(output) == expected


def test_images_are_stored_once(clone):
    folder, _ = clone
    images = list((folder / "data/raw").rglob("*.png"))
    assert images
    assert all(image.stat().st_nlink > 1 for image in images)


def test_every_variant_has_the_files_of_raw_and_other_pixels(clone):
    folder, _ = clone
    raw = {file.relative_to(folder / "data/raw"): file for file in (folder / "data/raw").rglob("*.png")}
    assert len(raw) == 28
    for name in VARIANTS:
        files = {file.relative_to(folder / "data" / name): file for file in (folder / "data" / name).rglob("*.png")}
        assert files.keys() == raw.keys()
        assert all(files[path].read_bytes() != raw[path].read_bytes() for path in raw)


def test_no_output_of_any_stage_holds_metadata_of_the_source(clone):
    folder, _ = clone
    tops = [folder / top for top in ("data", "metrics", ".dvc/cache")]
    outputs = [file for top in tops for file in top.rglob("*") if file.is_file()]
    assert {".npz", ".png", ".json", ".csv", ".xlsx"} <= {file.suffix for file in outputs}
    for file in [*outputs, folder / "dvc.lock"]:
        assert not marked(file.read_bytes()), file


def test_git_stays_clean_after_a_second_run_that_does_nothing(clone):
    folder, _ = clone
    assert stages_run(run(folder, "dvc", "repro")) == set()
    assert run(folder, "git", "status", "--short") == ""


def test_changes_rerun_what_they_must_and_nothing_else(clone):
    folder, _ = clone
    set_param(folder, "variants.gaussian_blur.sigma", 3)
    set_param(folder, "variants.mild_blur", {"method": "gaussian_blur", "sigma": 1})
    blur = {f"{stage}@gaussian_blur" for stage in ["anonymize", *PER_DATASET]}
    assert stages_run(run(folder, "dvc", "repro")) == blur | {"anonymize@mild_blur", "compare"}
    assert "variants.gaussian_blur.sigma" in run(folder, "dvc", "params", "diff")
    assert "metrics/m/gaussian_blur.json" in run(folder, "dvc", "metrics", "diff", "--all")

    photos = Path(yaml.safe_load((folder / "params.yaml").read_text())["data"]["source"])
    new = photos / "train/red/new.png"
    cv2.imwrite(str(new), np.full((40, 40, 3), 90, np.uint8))
    rerun = stages_run(run(folder, "dvc", "repro", "anonymize@morphology", "extract@raw"))
    assert rerun == {"ingest", "detect", "anonymize@morphology", "extract@raw"}
    assert (folder / "data/morphology/train/red/new.png").is_file()
    new.unlink()
    assert stages_run(run(folder, "dvc", "repro")) == {"ingest", "detect"}  # the rest is in the cache


def test_what_is_dropped_leaves_nothing_that_reruns_in_another_clone(clone, tmp_path):
    folder, _ = clone
    params = yaml.safe_load((folder / "params.yaml").read_text())
    del params["variants"]["blocking_merging"]
    params["datasets"] = ["raw"]
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    assert stages_run(run(folder, "dvc", "repro")) == {"compare"}
    assert not list((folder / "metrics").rglob("*gaussian_blur*"))  # it is no longer compared
    commit(folder, "Fewer variants")
    run(folder, "dvc", "remote", "add", "-d", "storage", str(tmp_path / "storage"))
    run(folder, "dvc", "push")
    colleague = tmp_path / "other"
    run(tmp_path, "git", "clone", "-q", str(folder), str(colleague))
    run(colleague, "dvc", "remote", "add", "-d", "storage", str(tmp_path / "storage"))
    assert "Data and pipelines are up to date" in run(colleague, "dvc", "repro", "--pull", "--allow-missing")
    run(colleague, "dvc", "pull")
    assert "up to date" in run(colleague, "dvc", "status")
    assert stages_run(run(colleague, "dvc", "repro")) == set()
    assert run(colleague, "git", "status", "--short") == " M .dvc/config\n"


def test_a_published_variant_is_fetched_by_its_name(clone, tmp_path):
    folder, _ = clone
    run(folder, "git", "tag", "-a", "gaussian_blur@v1.0.0", "-m", "Published")
    run(tmp_path, "dvc", "artifacts", "get", str(folder), "gaussian_blur")
    names = {file.relative_to(tmp_path) for file in (tmp_path / "gaussian_blur").rglob("*.png")}
    assert names == {file.relative_to(folder / "data") for file in (folder / "data/gaussian_blur").rglob("*.png")}
