"""Training: its validation split, its determinism, and its errors."""

import json

import numpy as np
import pandas as pd
import pytest

from stages.core.errors import PipelineError
from stages.core.machine import environment
from stages.core.params import load_params
from stages.network.fitting import fit, validation_mask
from stages.network.inputs import Features, create_inputs, write_index
from stages.network.weights import MODELS
from stages.train import train
from tests.clones import ROOT

PATHS = [f"{name}/{number:03d}.png" for name in ("cat", "dog") for number in range(20)]
LABELS = np.repeat([0, 1], 20)


def separable_features() -> Features:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 2048)).astype(np.float32)
    inputs[:20, :8] += 3
    return Features(inputs, LABELS, ["cat", "dog"], PATHS)


def head_params(**changes):
    defaults = {"backbone": "frozen", "head": [8], "epochs": 4, "batch_size": 8, "seeds": [0]}
    return load_params(ROOT / "params.yaml").train.model_copy(update=defaults | changes)


def write_workspace(folder, monkeypatch, **train_changes):
    import yaml

    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["train"] |= {"backbone": "frozen", "head": [], "epochs": 2, "batch_size": 8} | train_changes
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.chdir(folder)
    split = folder / "data/features/raw/train"
    features = separable_features()
    create_inputs(split, features.inputs.shape, np.float32)[:] = features.inputs
    write_index(split, PATHS, ["cat", "dog"])


def test_validation_takes_the_same_share_of_each_class():
    mask = validation_mask(PATHS, LABELS, 0.25)
    assert [int(mask[label == LABELS].sum()) for label in (0, 1)] == [5, 5]


def test_validation_depends_on_the_paths_alone():
    order = np.random.default_rng(1).permutation(40)
    shuffled = validation_mask([PATHS[index] for index in order], LABELS[order], 0.25)
    assert {PATHS[order[index]] for index in np.flatnonzero(shuffled)} == {
        PATHS[index] for index in np.flatnonzero(validation_mask(PATHS, LABELS, 0.25))
    }


def test_a_class_of_one_image_is_not_held_out():
    assert not validation_mask(["a/1.png"], np.array([0]), 0.9).any()


def test_a_head_learns_and_each_seed_gives_a_network_of_its_own(tmp_path):
    first, history = fit(separable_features(), head_params(), 3, "test", tmp_path / "state.npz")
    second, _ = fit(separable_features(), head_params(), 4, "test", tmp_path / "other.npz")
    assert history["accuracy"].iloc[-1] > 0.9
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])


def test_without_validation_images_there_are_no_validation_curves(tmp_path):
    _, history = fit(
        separable_features(), head_params(epochs=1, validation_fraction=0.0), 0, "test", tmp_path / "state.npz"
    )
    assert list(history) == ["seed", "epoch", "accuracy", "loss"]


def test_every_seed_leaves_a_network_and_a_curve(tmp_path, monkeypatch):
    write_workspace(tmp_path, monkeypatch, seeds=[4, 7])
    train("raw")
    written = {file.name: file for file in MODELS.glob("raw/*")}
    assert sorted(written) == ["environment.json", "seed_4.npz", "seed_7.npz"]
    assert json.loads(written["environment.json"].read_text()) == environment() | {"precision": "float32"}
    history = pd.read_csv("metrics/history/raw.csv")
    assert history[["seed", "epoch"]].values.tolist() == [[4, 1], [4, 2], [7, 1], [7, 2]]


def test_patience_without_validation_images_is_refused(tmp_path, monkeypatch):
    write_workspace(tmp_path, monkeypatch, patience=2, validation_fraction=0.0)
    with pytest.raises(PipelineError, match=r"`train.patience` needs validation images.*received: 0"):
        train("raw")


def test_a_diverged_training_leaves_no_model(tmp_path, monkeypatch):
    write_workspace(tmp_path, monkeypatch, learning_rate=1e38, optimizer="sgd", head=[16, 16])
    with pytest.raises(PipelineError, match=r"diverged.*lower `train.learning_rate`"):
        train("raw")
    assert not (MODELS / "raw").exists()
