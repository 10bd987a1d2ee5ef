"""The network's part of the benchmarks: plain Keras, and what the stages do, to be run in processes of their own."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np

from stages.core.datasets import FILES_A_PART
from stages.core.parallel import map_bounded
from stages.core.params import TrainParams, load_params
from stages.network.backbone import load_backbone, run_backbone
from stages.network.classifier import build_classifier
from stages.network.optimizers import make_optimizer
from stages.network.runtime import keras, start_tensorflow, tf
from stages.regions.detectors import load_detector

PHOTOS, PHOTO_SIZE = 128, 224
IMAGES, CLASSES = 512, 16


def in_child(prepare: Callable[[], Callable], *arguments: object, **environment: str) -> Callable:
    """Return a call of what `prepare` returns, in a process of its own, as TensorFlow is set up once a process."""
    pool = ProcessPoolExecutor(1, get_context("spawn"), _set_variables, (environment,))
    return lambda: pool.submit(_run, prepare, *arguments).result()


def _set_variables(variables: dict[str, str]) -> None:
    os.environ.update(variables)  # which cannot be sent to the process itself


_prepared = cache(lambda prepare: prepare())


def _run(prepare: Callable, *arguments: object) -> object:
    return _prepared(prepare)(*arguments)


def peak() -> Callable[[str], float]:
    """Measure what a matrix product reaches."""
    return measure_peak


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


def detect_plain() -> Callable:
    """Find the faces in images with the package's own cascade, one image after the other."""
    from mtcnn import MTCNN

    detector = MTCNN(device="CPU:0")
    return lambda images: _do_all(map(detector.detect_faces, images))


def detect_fast() -> Callable:
    """Find them as `detect` does, on all workers."""
    detector = load_detector(load_params().regions)
    return lambda images: _do_all(map_bounded(detector, images))


def _do_all(results: Iterable) -> None:
    deque(results, maxlen=0)


def _photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (PHOTOS, PHOTO_SIZE, PHOTO_SIZE, 3), np.uint8)


def predict_plain() -> Callable:
    """Run ResNet50 over photos as Keras does."""
    resnet, photos = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg"), _photos()
    return lambda: _do_all(resnet.predict(photos, batch_size=32, verbose=0))


def predict_fast() -> Callable:
    """Run it over them as `extract` does."""
    backbone, photos = load_backbone(None, PHOTO_SIZE, "float32"), _photos()
    parts = np.split(photos, range(FILES_A_PART, PHOTOS, FILES_A_PART))
    return lambda: _do_all(map_bounded(lambda part: run_backbone(backbone, part), parts))


def train_plain() -> Callable:
    """Train the default's network for an epoch by Keras' layers and optimizer."""
    params = load_params().train
    start_tensorflow(params.precision)
    shape = (params.image_size, params.image_size, 3)
    resnet = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg", input_shape=shape)
    model = keras.Sequential([resnet, keras.layers.Dense(CLASSES, activation="softmax")])
    return _training(model, keras.optimizers.Adam(params.learning_rate), params)


def train_fast() -> Callable:
    """Train it as `train` does."""
    params = load_params().train
    start_tensorflow(params.precision)
    return _training(build_classifier(params, CLASSES), make_optimizer(params.optimizer, params.learning_rate), params)


def _training(model: keras.Model, optimizer: keras.optimizers.Optimizer, params: TrainParams) -> Callable:
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, params.image_size, params.image_size, 3), np.uint8)
    labels = np.arange(IMAGES) % CLASSES
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return lambda: _do_all(model.fit(images, labels, batch_size=params.batch_size, shuffle=False, verbose=0).history)
