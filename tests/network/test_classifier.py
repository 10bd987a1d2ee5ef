"""The network that is trained."""

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.machine import ONEDNN_VARIABLE
from stages.network.classifier import build_classifier, make_predictor
from stages.network.runtime import start_tensorflow
from tests.clones import train_params


def test_predictions_keep_the_order_of_the_inputs_and_use_the_weights_of_the_moment():
    start_tensorflow("float32")
    model = build_classifier(train_params(backbone="frozen", head=[]), 2)
    inputs = np.random.default_rng(0).normal(size=(250, 2048)).astype(np.float32)
    predict = make_predictor(model)
    expected = model.predict_on_batch(inputs)
    np.testing.assert_allclose(predict(inputs), expected, rtol=1e-4, atol=1e-6)
    model.set_weights([weights * 2 for weights in model.get_weights()])
    assert np.abs(predict(inputs) - expected).max() > 0.01


def test_a_wrong_setting_of_onednn_is_refused(monkeypatch):
    monkeypatch.setenv(ONEDNN_VARIABLE, "on")
    with pytest.raises(PipelineError, match=ONEDNN_VARIABLE):
        start_tensorflow("float32")
