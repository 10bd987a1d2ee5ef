import numpy as np
import pytest

from stages.core.features import FEATURES, create_inputs, read_features, write_index

PATHS = ["boat/1.png", "car/1.png", "car/x/2.png"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return FEATURES / "raw" / "train"


@pytest.mark.parametrize(("shape", "dtype"), [((3, 4, 4, 3), np.uint8), ((3, 2048), np.float32)])
def test_inputs_come_back_with_labels_and_paths(folder, shape, dtype):
    inputs = create_inputs(folder, shape, dtype)
    inputs[:] = np.arange(inputs.size).reshape(shape) % 251
    write_index(folder, PATHS, ["boat", "car"])
    features = read_features("raw", "train")
    assert np.array_equal(features.inputs, inputs)
    assert features.inputs.dtype == dtype
    assert features.labels.tolist() == [0, 1, 1]
    assert features.classes == ["boat", "car"]
    assert features.paths == PATHS


def test_label_is_the_index_among_all_classes(folder):
    create_inputs(folder, (3, 1), np.uint8)
    write_index(folder, PATHS, ["aeroplane", "boat", "bus", "car"])
    assert read_features("raw", "train").labels.tolist() == [1, 3, 3]


def test_inputs_are_mapped_from_disk(folder):
    create_inputs(folder, (3, 1), np.uint8)
    write_index(folder, PATHS, ["boat", "car"])
    assert isinstance(read_features("raw", "train").inputs, np.memmap)


def test_same_content_gives_the_same_bytes(folder):
    written = []
    for _ in range(2):
        create_inputs(folder, (3, 2), np.uint8)[:] = 7
        write_index(folder, PATHS, ["boat", "car"])
        written.append([file.read_bytes() for file in sorted(folder.iterdir())])
    assert written[0] == written[1]
