"""Weights are plain arrays in a file, and a broken file is one line."""

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.network.runtime import keras, start_tensorflow
from stages.network.weights import load_weights, save_weights, weights_file
from tests.faults import message_of


def arrays(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path: variable.numpy() for variable in model.weights}


@pytest.fixture
def network():
    """The function that builds a small network, of other weights each time."""
    start_tensorflow("float32")

    def build(units: int = 7) -> keras.Model:
        inputs = keras.Input((3,))
        hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(units, name="first")(inputs))
        return keras.Model(inputs, keras.layers.BatchNormalization(name="last")(hidden))

    return build


def cut(file):
    file.write_bytes(file.read_bytes()[:-1])


def flip(file):
    content = bytearray(file.read_bytes())
    content[content.index(b"NUMPY") + 150] ^= 1  # in the first array
    file.write_bytes(content)


def add_an_array(file):
    with np.load(file) as saved:
        np.savez(file, more=np.zeros(1), **saved)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda file: file.write_bytes(b""), "File is not a zip file"),
        (cut, "File is not a zip file"),
        (flip, "Bad CRC-32 for file 'first/kernel.npy'"),
        (add_an_array, "6 arrays needed; received: 7"),
    ],
)
def test_a_broken_file_is_one_line_that_says_how_to_mend_it(network, working_folder, change, reason):
    file, model = weights_file("raw", 0), network()
    save_weights(arrays(model), file)
    change(file)
    assert message_of(PipelineError, load_weights, model, file) == (
        "`data/models/raw/seed_0.npz` must hold the weights of the network that `train` describes "
        f"({reason}); `dvc repro -f train@raw` makes it anew"
    )


def test_the_weights_of_another_network_are_refused(network, tmp_path):
    save_weights(arrays(network(8)), tmp_path / "seed_0.npz")
    with pytest.raises(PipelineError, match=r"\(first/kernel must be float32 \(3, 7\); received: float32 \(3, 8\)\)"):
        load_weights(network(7), tmp_path / "seed_0.npz")
