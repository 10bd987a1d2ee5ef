"""The network's part of the benchmarks: plain Keras, and what the stages do, to be run in processes of their own."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from stages.core.datasets import FILES_A_PART
from stages.core.parallel import map_bounded
from stages.core.params import load_params
from stages.network.backbone import load_backbone, run_backbone
from stages.network.classifier import build_classifier
from stages.network.optimizers import make_optimizer
from stages.network.runtime import keras, start_tensorflow, tf
from stages.regions.detectors import load_detector

PHOTOS, PHOTO_SIZE = 128, 224
IMAGES, CLASSES = 512, 16


def in_child(function: Callable, *arguments: object, **environment: str) -> Callable:
    """Return what calls a function in a process that stays: TensorFlow's threads and kernels are set once a process."""
    pool = ProcessPoolExecutor(1, get_context("spawn"), os.environ.update, (environment,))
    return partial(_result, pool, function, *arguments)


def _result(pool: ProcessPoolExecutor, function: Callable, *arguments: object) -> object:
    return pool.submit(function, *arguments).result()


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
    return load_backbone(None, PHOTO_SIZE, "float32")


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


def _train(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Callable[[], None]:
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return lambda: model.fit(*_training_data(), batch_size=load_params().train.batch_size, verbose=0)


@cache
def _plain_training() -> Callable[[], None]:
    params = load_params().train
    start_tensorflow(params.precision)
    shape = (params.image_size, params.image_size, 3)
    resnet = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg", input_shape=shape)
    model = keras.Sequential([resnet, keras.layers.Dense(CLASSES, activation="softmax")])
    return _train(model, keras.optimizers.Adam(params.learning_rate))


def train_plain() -> None:
    """Train the default's network for an epoch by Keras' layers and optimizer."""
    _plain_training()()


@cache
def _fast_training() -> Callable[[], None]:
    params = load_params().train
    start_tensorflow(params.precision)
    return _train(build_classifier(params, CLASSES), make_optimizer(params.optimizer, params.learning_rate))


def train_fast() -> None:
    """Train it as `train` does."""
    _fast_training()()
