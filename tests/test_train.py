"""The stage that trains: which networks it makes, which it keeps, and its errors."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from stages import train as train_stage
from stages.core.errors import PipelineError
from stages.core.machine import environment
from stages.core.paths import HISTORY, LAST_RUN, MODELS, PARTIAL
from stages.network import training
from stages.network.models import read_model, training_key
from stages.train import train
from tests.training import head_params, separable_features, write_workspace


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


def test_another_seed_trains_one_network_and_gives_what_training_all_gives(workspace, trained):
    workspace(seeds=[7, 4])
    train("raw")
    assert sorted(Path(name).name for name in outputs()) == [
        *("raw.csv", "seed_4.json", "seed_4.npz", "seed_7.json", "seed_7.npz")
    ]
    assert read_model("raw", 4).made_with == environment() | {"precision": "float32"}
    curves = pd.read_csv(HISTORY / "raw.csv")
    assert curves[["seed", "epoch"]].values.tolist() == [[7, 1], [7, 2], [4, 1], [4, 2]]
    workspace(seeds=[7, 4, 3])
    shutil.rmtree(MODELS / "raw")  # as DVC does
    train("raw")
    assert trained == [[7, 4], [3]]
    step_by_step = outputs()
    shutil.rmtree(LAST_RUN)
    train("raw")
    assert trained[-1] == [7, 4, 3]
    assert outputs() == step_by_step
    workspace(seeds=[3])
    train("raw")
    assert len(trained) == 3 and len(list(MODELS.glob("raw/*"))) == 2


def test_a_network_that_is_broken_or_made_of_something_else_is_trained_again(workspace, trained, monkeypatch):
    workspace(seeds=[1, 2])
    train("raw")
    weights = MODELS / "raw" / "seed_2.npz"
    weights.write_bytes(weights.read_bytes()[:-1])
    train("raw")
    weights.with_suffix(".json").write_text("[]")
    train("raw")
    monkeypatch.setattr(train_stage, "training_key", lambda *_: "another")
    train("raw")
    assert trained == [[1, 2], [2], [2], [1, 2]]


def test_all_that_decides_a_network_is_in_its_key(working_folder):
    features, weights = separable_features(), Path("initial.h5")
    weights.write_bytes(b"1")
    params = head_params(weights="initial.h5")

    def key(**changes) -> str:
        return training_key(features, params.model_copy(update=changes))

    first = key()
    assert first == key() == key(seeds=[7])
    others = {key(epochs=9), key(weights=None)}
    weights.write_bytes(b"2")
    others.add(key())
    features.inputs[-1, -1] += 1
    others.add(key())
    assert len(others | {first}) == 5


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
