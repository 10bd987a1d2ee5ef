import numpy as np
import pytest

from stages.core.paths import FEATURES
from stages.network.inputs import create_inputs, read_features, write_index

PATHS = ["boat/1.png", "car/1.png", "car/x/2.png"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return FEATURES / "raw" / "train"


@pytest.mark.parametrize(("shape", "dtype"), [((3, 4, 4, 3), np.uint8), ((3, 2048), np.float32)])
def test_inputs_come_back_with_labels_and_paths(folder, shape, dtype):
    inputs = create_inputs(folder, shape, dtype)
    inputs[:] = np.arange(inputs.size).reshape(shape) % 251
    write_index(folder, PATHS, ["boat", "bus", "car"])
    features = read_features("raw", "train")
    assert np.array_equal(features.inputs, inputs)
    assert features.inputs.dtype == dtype
    assert isinstance(features.inputs, np.memmap)  # may be larger than memory
    assert features.labels.tolist() == [0, 2, 2]
    assert features.classes == ["boat", "bus", "car"]
    assert features.paths == PATHS
