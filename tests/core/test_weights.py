import numpy as np

from stages.core.network import keras, start_tensorflow
from stages.core.weights import save_weights


def test_weights_are_written_as_keras_writes_them(tmp_path):
    start_tensorflow(0, "float32")
    inputs = keras.Input((300,))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(keras.layers.Dense(70)(inputs)))
    save_weights(model, tmp_path / "ours.weights.h5")
    model.save_weights(tmp_path / "theirs.weights.h5")
    assert (tmp_path / "ours.weights.h5").read_bytes() == (tmp_path / "theirs.weights.h5").read_bytes()
    before = model.get_weights()
    model.set_weights([weights + 1 for weights in before])
    model.load_weights(tmp_path / "ours.weights.h5")
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(list(tmp_path.iterdir())) == 2
