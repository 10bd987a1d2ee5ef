"""The stage that trains: which networks it makes, which it keeps, and its errors."""

import json
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest

from stages import train as train_stage
from stages.core.errors import PipelineError
from stages.core.machine import environment
from stages.core.paths import HISTORY, LAST_RUN, MODELS, PARTIAL
from stages.network import training
from stages.train import train
from tests.training import write_workspace


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "1")


@pytest.fixture
def workspace(working_folder):
    return write_workspace


@pytest.fixture
def trained(monkeypatch):
    """The seeds of each training, in a list."""
    calls, fit = [], train_stage.fit
    monkeypatch.setattr(train_stage, "fit", lambda *given: calls.append(list(given[-1])) or fit(*given))
    return calls


def outputs():
    files = [*MODELS.glob("raw/*"), HISTORY / "raw.csv"]
    return {str(file): file.read_bytes() for file in files}


def test_every_seed_leaves_a_network_and_a_curve(workspace):
    workspace(seeds=[7, 4])
    train("raw")
    written = {file.name: file for file in MODELS.glob("raw/*")}
    assert sorted(written) == ["seed_4.json", "seed_4.npz", "seed_7.json", "seed_7.npz"]
    about = json.loads(written["seed_4.json"].read_text())
    assert about["made_with"] == environment() | {"precision": "float32"}
    history = pd.read_csv("data/scores/history/raw.csv")
    assert history[["seed", "epoch"]].values.tolist() == [[7, 1], [7, 2], [4, 1], [4, 2]]


def test_another_seed_trains_one_network_and_gives_what_training_all_gives(workspace, trained):
    workspace(seeds=[1, 2])
    train("raw")
    workspace(seeds=[1, 2, 3])
    shutil.rmtree(MODELS / "raw")  # as DVC does
    train("raw")
    assert trained == [[1, 2], [3]]
    step_by_step = outputs()
    shutil.rmtree(LAST_RUN)
    train("raw")
    assert trained[-1] == [1, 2, 3]
    assert outputs() == step_by_step
    workspace(seeds=[3])
    train("raw")
    assert len(trained) == 3 and len(list(MODELS.glob("raw/*"))) == 2


def test_a_network_made_of_something_else_or_broken_is_trained_again(workspace, trained):
    workspace(seeds=[1, 2], epochs=2)
    train("raw")
    weights = MODELS / "raw" / "seed_2.npz"
    weights.write_bytes(weights.read_bytes()[:-1])
    train("raw")
    weights.with_suffix(".json").write_text("[]")
    train("raw")
    workspace(seeds=[1, 2], epochs=1)
    train("raw")
    np.load("data/features/raw/train/inputs.npy", mmap_mode="r+")[-1, -1] += 1
    train("raw")
    assert trained == [[1, 2], [2], [2], [1, 2], [1, 2]]


def test_the_stage_resumes_what_was_interrupted_and_clears_up(workspace, monkeypatch):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    add = training.State.add

    def add_and_stop(self, row, **options):
        add(self, row, **options)
        raise KeyboardInterrupt

    workspace(seeds=[4, 7], learning_rate=0.001)
    train("raw")
    undisturbed = outputs()
    shutil.rmtree(MODELS / "raw")
    shutil.rmtree(LAST_RUN)
    monkeypatch.setattr(training.State, "add", add_and_stop)
    # The state of other settings is no start for these.
    for rate in (0.5, 0.001):
        workspace(seeds=[4, 7], learning_rate=rate)
        with pytest.raises(KeyboardInterrupt):
            train("raw")
    assert {file.name[:7] for file in PARTIAL.glob("raw/*")} <= {"seed_4_", "seed_7_"}
    assert not any(MODELS.glob("raw/*"))
    monkeypatch.setattr(training.State, "add", add)
    train("raw")
    assert outputs() == undisturbed
    assert list(PARTIAL.iterdir()) == [LAST_RUN]


def test_patience_without_validation_images_is_refused(workspace):
    workspace(patience=2, validation_fraction=0.0)
    with pytest.raises(PipelineError, match=r"`train.patience` needs validation images.*received: 0"):
        train("raw")


def test_a_diverged_training_leaves_no_model(workspace):
    workspace(learning_rate=1e38, optimizer="sgd", head=[16, 16])
    with pytest.raises(PipelineError, match=r"diverged.*lower `train.learning_rate`"):
        train("raw")
    assert not (MODELS / "raw").exists()


def test_other_initial_weights_under_the_same_name_train_again(workspace, trained):
    workspace(weights="initial.h5", seeds=[1])
    for content in (1, 1, 2):
        with h5py.File("initial.h5", "w") as file:
            file["layer"] = content
        train("raw")
    assert trained == [[1], [1]]
