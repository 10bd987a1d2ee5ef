"""Shadows: heads that are trained as the networks of the pipeline are, on half of the images."""

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.network.classifier import build_classifier
from stages.network.runtime import start_tensorflow
from stages.network.shadows import train_shadows
from stages.network.training import train_network
from tests.training import LABELS, head_params, separable_features


def test_a_shadow_is_the_network_that_train_makes_of_its_half_whatever_the_number_of_workers(tmp_path, monkeypatch):
    features = separable_features()
    params = head_params(head=[8, 0.5], epochs=6, learning_rate=0.3, patience=1, validation_fraction=0.5, batch_size=8)
    network = train_network(features, params, -2, tmp_path / "state.npz", lambda images: None)
    assert len(network.history) < 6
    model = build_classifier(params, 2)
    model.set_weights(list(network.weights.values()))
    start_tensorflow("float32")
    for workers in ("1", "3"):
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        probabilities, members = train_shadows(features, params, lambda scores, labels: scores, 3)
        assert [members[:, label == LABELS].sum(axis=1).tolist() for label in (0, 1)] == [[10] * 3] * 2
        assert not (members[0] == members[1]).all()
        assert probabilities[1] == pytest.approx(model.predict_on_batch(features.inputs), abs=1e-6)
        if workers == "1":
            alone = probabilities
    assert probabilities.tobytes() == alone.tobytes()


def test_a_head_that_diverges_is_said_in_one_line():
    with pytest.raises(PipelineError, match="train.learning_rate"):
        train_shadows(separable_features(), head_params(head=[8], learning_rate=1e30, optimizer="sgd"), np.dot, 1)
