"""Builds the network that is trained: ResNet50 with a head, or the head alone, on stored features."""

import numpy as np

from stages.core.params import TrainParams
from stages.network.backbone import build_backbone
from stages.network.batches import batches
from stages.network.runtime import keras

PREDICTION_BATCH = 100


def build_classifier(params: TrainParams, class_count: int) -> keras.Model:
    """Build the network that `train` fits: the whole one, or the head alone if the backbone is frozen.

    Parameters
    ----------
    params : TrainParams
        Weights, backbone and head.
    class_count : int
        How many classes.

    Returns
    -------
    keras.Model
        From what `extract` wrote, uint8 images or float32 features, to (batch, class_count) probabilities.
    """
    if params.backbone == "frozen":
        inputs = keras.Input((2048,))
        hidden = inputs
    else:
        backbone = build_backbone(params.weights, params.image_size)
        inputs, hidden = backbone.input, backbone.output
    for entry in params.head:
        layer = keras.layers.Dropout(entry) if entry < 1 else keras.layers.Dense(int(entry), activation="relu")
        hidden = layer(hidden)
    outputs = keras.layers.Dense(class_count, activation="softmax", dtype="float32")(hidden)
    return keras.Model(inputs, outputs)


def predict(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """Return the class probabilities of all inputs, (images, classes) float32."""
    rows = np.arange(len(inputs))
    return model.predict(batches(inputs, rows, rows, PREDICTION_BATCH), verbose=0)
