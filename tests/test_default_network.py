"""The default configuration, for one step: the real ResNet50, all of it trained as Keras would, stored and tested."""

import json

import numpy as np
import pandas as pd
import pytest

from stages.core.params import load_params
from stages.core.seeding import generator
from stages.evaluate import evaluate
from stages.extract import extract
from stages.network.classifier import build_classifier, cross_entropy
from stages.network.inputs import read_features
from stages.network.runtime import start_tensorflow
from stages.network.training import learning_rate
from stages.network.weights import load_weights, weights_file
from stages.results.scores import utility_file
from stages.train import train

PATHS = [
    f"{split}/{name}/{i}.png" for split, count in (("train", 8), ("test", 4)) for name in "ab" for i in range(count)
]


def test_a_step_trains_every_layer_as_keras_does_and_evaluate_tests_what_was_trained(workspace, save_images):
    changes = {"train.epochs": 1, "train.batch_size": 16, "train.validation_fraction": 0, "train.seeds": [0, 5]}
    # A step of SGD is as long as the gradient; one of Adam blows up the rounding of small ones.
    # The only step has a small share of the rate; weights must change by more than their rounding.
    changes |= {"train.optimizer": "sgd", "train.learning_rate": 0.15}
    folder = workspace(changes | {"compare.gallery_images": 1})
    save_images(folder / "data/raw", PATHS)
    extract("raw")
    train("raw")
    evaluate("raw")

    params, images = load_params().train, read_features("raw", "train")
    assert (params.backbone, params.weights, params.image_size) == ("trainable", None, 32)
    seed = 5
    start_tensorflow(seed, params.precision)
    plain = build_classifier(params, 2)
    initial = plain.get_weights()
    plain.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    rows = generator(seed, "epoch 0").permutation(16)
    plain.optimizer.learning_rate.assign(learning_rate(1, 1, params.learning_rate))
    loss = plain.train_on_batch(images.inputs[rows], images.labels[rows])
    trained = build_classifier(params, 2)
    load_weights(trained, weights_file("raw", seed))
    for before, expected, variable in zip(initial, plain.get_weights(), trained.weights, strict=True):
        after = variable.numpy()
        # The gradient of a bias before a batch normalization is zero, but for rounding.
        if not variable.path.endswith("_conv/bias"):
            assert np.linalg.norm(after - expected) < 0.02 * np.linalg.norm(expected - before), variable.path

    raw = read_features("raw", "test")
    probabilities = trained.predict_on_batch(raw.inputs)
    scores = json.loads(utility_file("raw").read_text())
    assert scores["predictions"][1] == probabilities.argmax(axis=1).tolist()
    assert scores["loss"][1] == pytest.approx(cross_entropy(probabilities, raw.labels), rel=1e-4)
    history = pd.read_csv("data/scores/history/raw.csv")
    assert history["seed"].tolist() == [0, 5]
    assert history["loss"][1] == pytest.approx(float(loss), rel=1e-3)
