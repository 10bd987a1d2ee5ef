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
from stages.network.runtime import keras, start_tensorflow
from stages.network.training import LOWEST_RATE
from stages.network.weights import load_weights, weights_file
from stages.results.scores import utility_file
from stages.train import train

PATHS = [
    f"{split}/{name}/{i}.png" for split, count in (("train", 8), ("test", 4)) for name in "ab" for i in range(count)
]


def step_of_keras(dtype, weights, inputs, labels, rate):
    """Return the weights after a step of SGD by Keras' own layers, in some precision, and the loss."""
    keras.config.set_dtype_policy(dtype)
    resnet = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
    for layer in resnet.layers:
        layer.momentum = 0.9
    images = keras.Input((32, 32, 3))
    hidden = resnet(keras.applications.resnet50.preprocess_input(images))
    model = keras.Model(images, keras.layers.Dense(2, activation="softmax")(hidden))
    model.set_weights(weights)
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", run_eagerly=True)
    loss = model.train_on_batch(inputs.astype(dtype), labels)
    keras.config.set_dtype_policy("float32")
    return [np.asarray(values, float) for values in model.get_weights()], float(loss)


def test_a_step_trains_every_layer_as_keras_does_and_evaluate_tests_what_was_trained(workspace, save_images):
    changes = {"train.epochs": 1, "train.batch_size": 16, "train.validation_fraction": 0, "train.seeds": [5]}
    # A step of SGD is as long as the gradient; one of Adam blows up the rounding of small ones.
    # The only step has the lowest rate; weights must change by more than their rounding.
    changes |= {"train.optimizer": "sgd", "train.learning_rate": 7.5}
    folder = workspace(changes | {"compare.gallery_images": 1})
    save_images(folder / "data/raw", PATHS)
    extract("raw")
    train("raw")
    evaluate("raw")

    params, images = load_params().train, read_features("raw", "train")
    assert (params.backbone, params.weights, params.image_size) == ("trainable", None, 32)
    start_tensorflow(params.precision)
    trained = build_classifier(params, 2, 5)
    before, rate = trained.get_weights(), params.learning_rate * LOWEST_RATE
    rows = generator(5, "epoch 0").permutation(16)
    batch = images.inputs[rows], images.labels[rows]
    exact, loss = step_of_keras("float64", before, *batch, rate)
    rounded, _ = step_of_keras("float32", before, *batch, rate)
    load_weights(trained, weights_file("raw", 5))

    def errors(weights):
        """Return how far each step is from the exact one, as a share of its length."""
        return {
            variable.path: np.linalg.norm(after - there) / np.linalg.norm(there - start)
            for variable, start, there, after in zip(trained.weights, before, exact, weights, strict=True)
            # The gradient of a bias before a batch normalization is zero, but for rounding.
            if not variable.path.endswith("_conv/bias")
        }

    # Ours and Keras' are two orders of the same sums in float32. Neither is exact; how far off rounding takes a
    # gradient here, on this processor, shows in Keras' own. A wrong gradient is off by as much as its length.
    allowed = 4 * max(errors(rounded).values())
    assert allowed < 0.5
    assert {path: error for path, error in errors(trained.get_weights()).items() if error > allowed} == {}

    raw = read_features("raw", "test")
    probabilities = trained.predict_on_batch(raw.inputs)
    scores = json.loads(utility_file("raw").read_text())
    assert scores["predictions"][0] == probabilities.argmax(axis=1).tolist()
    assert scores["loss"][0] == pytest.approx(cross_entropy(probabilities, raw.labels), rel=1e-4)
    history = pd.read_csv("data/scores/history/raw.csv")
    assert history["seed"].tolist() == [5]
    assert history["loss"][0] == pytest.approx(loss, rel=1e-3)
