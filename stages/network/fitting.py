"""Trains the networks of several seeds at the same time, each in a process of its own."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.queues import SimpleQueue
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from stages.core.errors import PipelineError
from stages.core.machine import worker_count
from stages.core.parallel import count_image, map_ordered, progress, uses_cluster
from stages.core.params import TrainParams
from stages.network.inputs import Features
from stages.network.memory import gpu_count, networks_at_once

if TYPE_CHECKING:
    # TensorFlow takes seconds to import, and this process needs it only to train by itself.
    from stages.network.training import Fitted

_LOOK_SECONDS = 0.5


def fit(features: Features, params: TrainParams, label: str, files: dict[int, Path]) -> "list[Fitted]":
    """Train the networks of several seeds, or go on with training them."""
    if uses_cluster():
        train = partial(_train, features, params, lambda images: count_image())
        return list(map_ordered(train, list(files.items()), total=len(files), label=label, unit="networks"))
    gpus = gpu_count()
    at_once = min(len(files), gpus) if gpus else networks_at_once(params, features.inputs, len(files))
    with progress(total=params.epochs * len(features.labels) * len(files), label=label) as bar:
        if at_once > 1 and worker_count() > 1:
            return _fit_in_processes(features, params, files, at_once, gpus, bar)
        return [_train(features, params, bar.update, item) for item in files.items()]


def _train(features: Features, params: TrainParams, count: Callable[[int], object], item: tuple[int, Path]) -> "Fitted":
    from stages.network.training import train_network

    return train_network(features, params, *item, count)


class _Trainer:
    """What a training process knows of the others."""

    stop: Event
    images: Synchronized
    is_training = False

    @classmethod
    def start(cls, stop: Event, images: Synchronized, gpus: SimpleQueue | None, parent: int) -> None:
        cls.stop, cls.images = stop, images
        if gpus is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = str(gpus.get())
        threading.Thread(target=cls._watch, args=[parent], daemon=True).start()

    @classmethod
    def _watch(cls, parent: int) -> None:
        # Importing and tracing take half a minute, and a process without work would wait for it forever. A network is
        # sent whole, as the parent would wait for the rest of it.
        while os.getppid() == parent and not (cls.stop.is_set() and cls.is_training):
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    @classmethod
    def count(cls, images: int) -> None:
        with cls.images.get_lock():
            cls.images.value += images


def _train_in_process(features: Features, params: TrainParams, seed: int, file: Path) -> "Fitted":
    _Trainer.is_training = True
    try:
        return _train(features, params, _Trainer.count, (seed, file))
    finally:
        _Trainer.is_training = False


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back, also from processes that are started meanwhile: this process ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fit_in_processes(
    features: Features, params: TrainParams, files: dict[int, Path], at_once: int, gpus: int, bar: tqdm
) -> "list[Fitted]":
    context = multiprocessing.get_context("spawn")
    stop, images, numbers = context.Event(), context.Value("q", 0), context.SimpleQueue()
    for number in range(gpus):
        numbers.put(number)
    arguments = (stop, images, numbers if gpus else None, os.getpid())
    with ProcessPoolExecutor(at_once, context, _Trainer.start, arguments) as pool:
        futures = []
        try:
            with _without_ctrl_c():
                futures += [
                    pool.submit(_train_in_process, features, params, seed, file) for seed, file in files.items()
                ]
            unfinished = set(futures)
            while unfinished:
                done, unfinished = wait(unfinished, _LOOK_SECONDS, FIRST_EXCEPTION)
                bar.update(images.value - bar.n)
                for future in done:
                    future.result()
            return [future.result() for future in futures]
        except BrokenProcessPool:
            raise PipelineError(
                "a process that trained a network was killed, as the system does when memory is full; "
                "lower `train.batch_size`, `train.image_size` or PIPELINE_WORKERS"
            ) from None
        finally:
            stop.set()
            for future in futures:
                future.cancel()
