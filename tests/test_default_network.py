"""The default configuration, for two steps: the real ResNet50, all of it trained, stored and tested."""

import json
import math

import numpy as np
import pandas as pd

from stages import train as train_stage
from stages.core.params import load_params
from stages.evaluate import cross_entropy, evaluate
from stages.extract import extract
from stages.network.classifier import build_classifier, predict
from stages.network.inputs import read_features
from stages.network.runtime import start_tensorflow
from stages.results.scores import utility_file

PATHS = [
    f"{split}/{name}/{i}.png" for split, count in (("train", 8), ("test", 4)) for name in "ab" for i in range(count)
]


def test_two_steps_train_every_layer_and_evaluate_tests_what_was_trained(workspace, save_images, monkeypatch):
    changes = {"train.epochs": 1, "train.batch_size": 8, "train.validation_fraction": 0, "compare.gallery_images": 1}
    folder = workspace(changes)
    save_images(folder / "data/raw", PATHS)
    trained, save = [], train_stage.save_weights
    monkeypatch.setattr(train_stage, "save_weights", lambda model, file: (trained.append(model), save(model, file)))
    extract("raw")
    train_stage.train("raw")
    evaluate("raw")

    (model,) = trained
    params, raw = load_params().train, read_features("raw", "test")
    assert (params.backbone, params.weights, params.image_size, params.optimizer) == ("trainable", None, 32, "adam")
    assert int(model.optimizer.iterations) == 2
    assert math.isfinite(pd.read_csv("metrics/history/raw.csv")["loss"][0])
    probabilities = predict(model, raw.inputs)
    scores = json.loads(utility_file("raw").read_text())
    assert scores["predictions"] == [probabilities.argmax(axis=1).tolist()]
    assert scores["loss"] == [cross_entropy(probabilities, raw.labels)]

    start_tensorflow(params.seeds[0], params.precision)
    initial = build_classifier(params, 2)
    for before, after in zip(initial.weights, model.weights, strict=True):
        # The gradient of a bias before a batch normalization is zero.
        assert np.any(before.numpy() != after.numpy()) or after.path.endswith("_conv/bias"), after.path
