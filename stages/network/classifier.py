"""Builds the network that is trained: ResNet50 with a head, or the head alone, on stored features."""

from collections.abc import Callable

import numpy as np

from stages.core.parallel import map_bounded
from stages.core.params import TrainParams
from stages.network.backbone import build_backbone, trace
from stages.network.runtime import derived_seed, initializer, keras, tf

PREDICTION_BATCH = 100


def build_classifier(params: TrainParams, class_count: int, seed: int = 0) -> keras.Model:
    """Build the network that `train` fits: the whole one, or the head alone if the backbone is frozen."""
    if params.backbone == "frozen":
        inputs = keras.Input((2048,))
        hidden = inputs
    else:
        backbone = build_backbone(params.weights, params.image_size, seed)
        inputs, hidden = backbone.input, backbone.output
    for number, entry in enumerate(params.head):
        name = f"head {number}"
        hidden = (
            keras.layers.Dropout(entry, seed=derived_seed(seed, name))
            if entry < 1
            else keras.layers.Dense(int(entry), activation="relu", kernel_initializer=initializer(seed, name))
        )(hidden)
    outputs = keras.layers.Dense(
        class_count, activation="softmax", dtype="float32", kernel_initializer=initializer(seed, "classes")
    )(hidden)
    return keras.Model(inputs, outputs)


def make_predictor(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that computes class probabilities with the weights that the model has then."""
    traced = trace(model)
    traced.get_concrete_function()  # here, as not on several threads at once

    def predict(inputs: np.ndarray) -> np.ndarray:
        parts = (inputs[start : start + PREDICTION_BATCH] for start in range(0, len(inputs), PREDICTION_BATCH))
        return np.concatenate(list(map_bounded(lambda part: traced(tf.constant(part)).numpy(), parts)))

    return predict


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy in nats.

    Examples
    --------
    >>> round(cross_entropy(np.array([[0.5, 0.5]]), np.array([1])), 4)
    0.6931
    """
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(chosen.astype(float), 1e-7, 1)).mean())
