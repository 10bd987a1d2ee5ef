"""Weights are plain arrays in a file, and a broken file is one line."""

from pathlib import Path

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.store import write_arrays
from stages.network.runtime import keras
from stages.network.weights import load_weights, weights_file


def arrays(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path: variable.numpy() for variable in model.weights}


def network(units: int = 7) -> keras.Model:
    """Build a small network, of other weights each time."""
    inputs = keras.Input((3,))
    hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(units, name="first")(inputs))
    return keras.Model(inputs, keras.layers.BatchNormalization(name="last")(hidden))


def cut(file):
    file.write_bytes(file.read_bytes()[:-1])


def flip(file):
    content = bytearray(file.read_bytes())
    content[content.index(b"NUMPY") + 150] ^= 1  # in the first array
    file.write_bytes(content)


def add_an_array(file):
    with np.load(file) as saved:
        np.savez(file, more=np.zeros(1, np.float32), **saved)


def write_text(file):
    with np.load(file) as saved:
        np.savez(file, **{name: values.astype(str) for name, values in saved.items()})


def put_another_network(file):
    write_arrays(file, arrays(network(8)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Path.unlink, "No such file"),
        (lambda file: file.write_bytes(b""), "File is not a zip file"),
        (cut, "File is not a zip file"),
        (flip, "Bad CRC-32 for file 'first/kernel.npy'"),
        (add_an_array, "length 7, but the layer was expecting 6 weights"),
        (write_text, "values of type <U"),
        (put_another_network, r"shape \(3, 7\) is not compatible with provided weight shape \(3, 8\)"),
    ],
)
def test_a_broken_file_is_one_line_that_says_how_to_mend_it(tensorflow, working_folder, change, reason):
    file, model = weights_file("raw", 0), network()
    write_arrays(file, arrays(model))
    change(file)
    start, end = r"^`data/models/raw/seed_0.npz` must hold .* \(", r"\); `dvc repro -f train@raw` makes it anew$"
    with pytest.raises(PipelineError, match=f"{start}.*{reason}.*{end}"):
        load_weights(model, file)
