"""What `fit` is made of."""

import numpy as np

from stages.core.params import load_params
from stages.network.fitting import fit
from stages.network.inputs import Features


def test_from_images_that_are_all_alike_a_network_learns_how_common_the_classes_are(workspace, tmp_path):
    workspace({"train.epochs": 20, "train.batch_size": 8, "train.learning_rate": 0.01, "train.validation_fraction": 0})
    labels = np.array([0] * 24 + [1] * 8)
    inputs = np.full((32, 32, 32, 3), 128, np.uint8)
    features = Features(inputs, labels, ["a", "b"], [f"{'ab'[label]}/{i}.png" for i, label in enumerate(labels)])
    model, history = fit(features, load_params().train, 0, "mask", tmp_path / "state.npz")
    assert np.isfinite(history["loss"]).all()
    assert model.predict(inputs[:1], verbose=0).argmax() == 0
