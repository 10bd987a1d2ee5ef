"""Small features that a head learns in a moment, and settings for it."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import yaml

from stages.core.paths import FEATURES
from stages.network import fitting
from stages.network.inputs import Features, create_inputs, write_index
from tests.clones import ROOT, train_params

CLASSES = ["cat", "dog"]
PATHS = [f"{name}/{number:03d}.png" for name in CLASSES for number in range(20)]
LABELS = np.repeat([0, 1], 20)
HEAD = {"backbone": "frozen", "head": [], "epochs": 2, "batch_size": 8}


def separable_features() -> Features:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 2048)).astype(np.float32)
    inputs[:20, :8] += 3
    return Features(inputs, LABELS, CLASSES, PATHS)


def head_params(**changes):
    return train_params(**{"backbone": "frozen", "head": [8], "epochs": 4, "batch_size": 8} | changes)


def fit_in(folder, params, seeds=(3,)):
    return fitting.fit(separable_features(), params, "test", {seed: folder / f"seed_{seed}.npz" for seed in seeds})


def small_resnet(*, weights, input_shape, **options):
    """Build a few layers in ResNet50's place, which takes half a minute to build and to trace."""
    from stages.network.runtime import keras  # it takes seconds, and processes that train nothing need it not

    images = keras.Input(input_shape)
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, strides=2, activation="relu")(images))
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(hidden))
    if weights:
        model.load_weights(weights)
    return model


def write_features(dataset: str, split: str, inputs: np.ndarray, paths: list[str]) -> None:
    """Write what `extract` would of a frozen backbone."""
    folder = FEATURES / dataset / split
    create_inputs(folder, inputs.shape, np.float32)[:] = inputs
    write_index(folder, paths, CLASSES)


def write_workspace(**changes):
    """Write the training split of raw, and settings of a small head, into the working folder."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["train"] |= HEAD | changes
    Path("params.yaml").write_text(yaml.safe_dump(values))
    write_features("raw", "train", separable_features().inputs, PATHS)


def killed_in_process(*arguments):
    """End the process that trains as the system does when memory is full."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_in_process(features, params, seed, file):
    """Train for ever with seed 4, and not at all with others."""
    fitting._Trainer.is_training = True
    if seed == 4:
        file.with_name("4").touch()
        time.sleep(300)
    fitting._Trainer.is_training = False
