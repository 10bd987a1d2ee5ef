"""Weights, states of trainings and stored inputs are read as numbers: nothing in a file is ever run."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.params import load_params
from stages.network.backbone import build_backbone
from stages.network.inputs import read_features
from stages.network.runtime import keras, start_tensorflow
from stages.network.weights import load_weights
from tests.clones import ROOT
from tests.training import fit_in, head_params, small_resnet, write_workspace


class Payload:
    """Leaves a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def resnet(monkeypatch):
    """A small network in ResNet50's place, that reads weights by the same function."""
    start_tensorflow("float32")
    monkeypatch.setattr(keras.applications, "ResNet50", small_resnet)


def test_a_model_with_code_is_refused_as_weights_and_not_run(resnet, tmp_path, workspace):
    marker, inputs = tmp_path / "ran", keras.Input((3,))
    path = str(marker)
    attack = lambda values: (open(path, "w").close(), values)[1]  # noqa: E731, PTH123, SIM115
    model = keras.Model(inputs, keras.layers.Lambda(attack, output_shape=(3,))(inputs))
    for name in ("model.h5", "model.keras"):
        model.save(tmp_path / name)
    marker.unlink(missing_ok=True)
    with pytest.raises(PipelineError, match="`train.weights` must be ResNet50's"):
        build_backbone(str(tmp_path / "model.h5"), 32)
    workspace({"train.weights": str(tmp_path / "model.keras")})
    with pytest.raises(PipelineError, match=r"`train.weights` must be null, imagenet or the path of a weights file"):
        load_params()
    assert not marker.exists()
    # The code in it is alive: to load it as a model runs it.
    keras.saving.load_model(tmp_path / "model.h5", compile=False, safe_mode=False)(np.ones((1, 3)))
    assert marker.exists()


def test_a_weights_file_cannot_name_another_file(resnet, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as outside:
        outside.create_group("model_weights")
    with h5py.File(tmp_path / "linked.h5", "w") as linked:
        linked["model_weights"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "model_weights")
    with pytest.raises(PipelineError, match="ExternalLink"):
        build_backbone(str(tmp_path / "linked.h5"), 32)


def test_hdf5_loads_no_plugins(tmp_path):
    file = tmp_path / "filtered.h5"
    with h5py.File(file, "w") as made:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((1,))
        settings.set_filter(32_999, h5py.h5z.FLAG_OPTIONAL)  # a filter that a plugin would have to bring
        space = h5py.h5s.create_simple((1,))
        dataset = h5py.h5d.create(made.id, b"weights", h5py.h5t.IEEE_F32LE, space, dcpl=settings)
        dataset.write_direct_chunk((0,), bytes(4))
    # `load_params` opens a weights file without TensorFlow.
    code = f"import stages, h5py; h5py.File({str(file)!r})['weights'][:]"
    environment = os.environ | {"HDF5_PLUGIN_PATH": str(tmp_path), "HDF5_PLUGIN_PRELOAD": ""}
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "filter plugins disabled" in result.stderr


def test_states_weights_and_inputs_are_not_unpickled(working_folder, capsys):
    payload = np.array([Payload(working_folder / "ran")], dtype=object)
    np.savez(working_folder / "seed_0.npz", history=payload)
    fit_in(working_folder, head_params(epochs=1), seeds=[0])
    assert "is not whole; what it held is made anew" in capsys.readouterr().out
    np.savez(working_folder / "seed_0.npz", payload)
    with pytest.raises(PipelineError, match="Object arrays cannot be loaded"):
        load_weights(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), working_folder / "seed_0.npz")
    write_workspace()
    np.save("data/features/raw/train/inputs.npy", payload)
    with pytest.raises(ValueError, match="object"):
        read_features("raw", "train")
    assert not (working_folder / "ran").exists()
    pickle.loads(pickle.dumps(payload))  # which would run it
    assert (working_folder / "ran").exists()
