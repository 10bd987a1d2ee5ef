"""The network's part of the benchmarks: plain Keras, and what the stages do, to be run in processes of their own."""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from typing import Any

import numpy as np
from stages.network.optimizers import OPTIMIZERS
from stages.network.steps import Steps
from stages.network.variables import Network

from stages.core.datasets import FILES_A_PART
from stages.core.parallel import map_bounded, run_side_by_side
from stages.core.params import TrainParams, load_params
from stages.network.backbone import load_backbone, run_backbone
from stages.network.classifier import build_classifier
from stages.network.runtime import keras, start_tensorflow, tf
from stages.regions.detectors import load_detector

PHOTOS, PHOTO_SIZE = 128, 224
IMAGES, CLASSES = 512, 16
_FORWARD = 7.7e9  # operations of ResNet50 on one image of 224 x 224, two a multiplication with addition
_TRAINING = 3  # so many times as many take the forward pass and both gradients


def in_child(function: Callable, *arguments: object) -> Callable:
    """Return what calls a function in a process that stays: TensorFlow's threads are set once a process."""
    return partial(_result, ProcessPoolExecutor(1, get_context("spawn")), function, *arguments)


def _result(pool: ProcessPoolExecutor, function: Callable, *arguments: object) -> object:
    return pool.submit(function, *arguments).result()


def operations(images: int, size: int, *, training: bool = False) -> float:
    """Return how many operations ResNet50 takes on images of a size; all its layers shrink with the input."""
    return _FORWARD * (size / PHOTO_SIZE) ** 2 * images * (_TRAINING if training else 1)


def measure_peak(dtype: str) -> float:
    """Return the operations a second that a large matrix product reaches at best, on all cores."""
    side, times = 4096, []
    matrix = tf.cast(tf.random.uniform((side, side)), dtype)
    for _ in range(10):
        start = time.perf_counter()
        (matrix @ matrix).numpy()
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times)


def shares_of_peak(operations_a_second: float, peaks: dict[str, float]) -> str:
    """Say how much of each peak is reached, for example ``72% of float32's, 39% of bfloat16's``."""
    return ", ".join(f"{operations_a_second / peak:.0%} of {dtype}'s" for dtype, peak in peaks.items())


@cache
def _package_detector() -> Any:
    from mtcnn import MTCNN

    return MTCNN(device="CPU:0")


def detect_plain(images: list[np.ndarray]) -> None:
    """Find the faces in images with the package's own cascade, one image after the other."""
    for image in images:
        _package_detector().detect_faces(image)


@cache
def _detector() -> Callable:
    return load_detector(load_params().regions)


def detect_fast(images: list[np.ndarray]) -> None:
    """Find them as `detect` does, on all workers."""
    for _ in map_bounded(_detector(), images):
        pass


@cache
def _photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (PHOTOS, PHOTO_SIZE, PHOTO_SIZE, 3), np.uint8)


@cache
def _plain_backbone() -> keras.Model:
    return keras.applications.ResNet50(weights=None, include_top=False, pooling="avg")


def predict_plain() -> None:
    """Run ResNet50 over photos as Keras does."""
    _plain_backbone().predict(_photos(), batch_size=32, verbose=0)


@cache
def _fast_backbone() -> Callable[[np.ndarray], np.ndarray]:
    best = TrainParams.model_validate(load_params().train.model_dump() | {"precision": "auto"}).precision
    return load_backbone(None, PHOTO_SIZE, best)


def predict_fast() -> None:
    """Run it over them as `extract` does."""
    backbone = _fast_backbone()
    parts = np.split(_photos(), range(FILES_A_PART, PHOTOS, FILES_A_PART))
    for _ in map_bounded(lambda part: run_backbone(backbone, part), parts):
        pass


@cache
def _training_data() -> tuple[np.ndarray, np.ndarray]:
    size = load_params().train.image_size
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, size, size, 3), np.uint8)
    return images, np.arange(IMAGES) % CLASSES


@cache
def _plain_classifier() -> keras.Model:
    params = load_params().train
    model = build_classifier(params, CLASSES)
    adam = keras.optimizers.Adam(params.learning_rate)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train_plain() -> None:
    """Train the default's network for an epoch as Keras does, once a seed."""
    params = load_params().train
    for _ in params.seeds:
        _plain_classifier().fit(*_training_data(), batch_size=params.batch_size, verbose=0)


@cache
def _side_by_side() -> tuple[Steps, list[Network]]:
    params = load_params().train
    start_tensorflow(0, params.precision)
    model, optimizer = build_classifier(params, CLASSES), OPTIMIZERS[params.optimizer]
    networks = [Network(model, optimizer) for _ in params.seeds]
    return Steps(model, optimizer, networks[0]), networks


def train_fast() -> None:
    """Train as many networks as `train` does, all at the same time."""
    (steps, networks), params, (images, labels) = _side_by_side(), load_params().train, _training_data()

    def train(network: Network, stop: object) -> None:
        for step in range(1, 1 + len(images) // params.batch_size):
            batch = slice((step - 1) * params.batch_size, step * params.batch_size)
            steps.train(network, step, params.learning_rate, images[batch], labels[batch])

    run_side_by_side(train, networks, len(networks))
