"""Trains the networks of several seeds at the same time, each in a process of its own."""

import multiprocessing
import os
import signal
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
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
from stages.network.memory import networks_at_once

if TYPE_CHECKING:
    # TensorFlow takes seconds to import, and this process needs it only to train by itself.
    from stages.network.training import Fitted

_LOOK_SECONDS = 0.5


def fit(features: Features, params: TrainParams, label: str, files: dict[int, Path]) -> "list[Fitted]":
    """Train the networks of several seeds, or go on with training them.

    Parameters
    ----------
    features : Features
        The training split.
    params : TrainParams
        Network and hyperparameters.
    label : str
        Name on the progress bar.
    files : dict of int to pathlib.Path
        The seeds, and where the state of each one's training is kept.

    Returns
    -------
    list of Fitted
        In the order of the seeds. A network does not depend on which others are trained beside it.

    Raises
    ------
    PipelineError
        If a training diverged, or memory ran out.
    """
    if uses_cluster():
        train = partial(_fit_on_worker, features, params)
        return list(map_ordered(train, list(files.items()), total=len(files), label=label, unit="networks"))
    gpus = _gpu_count()
    at_once = min(len(files), gpus) if gpus else networks_at_once(params, features.inputs, len(files))
    with progress(total=params.epochs * len(features.labels) * len(files), label=label) as bar:
        if at_once > 1 and worker_count() > 1:
            return _fit_in_processes(features, params, files, _Processes(at_once, gpus), bar)
        from stages.network.training import train_network

        return [train_network(features, params, seed, file, bar.update) for seed, file in files.items()]


def _fit_on_worker(features: Features, params: TrainParams, item: tuple[int, Path]) -> "Fitted":
    from stages.network.training import train_network

    return train_network(features, params, *item, lambda images: count_image())


class _Processes:
    """Processes that train, and what they share with this one."""

    def __init__(self, count: int, gpus: int):
        context = multiprocessing.get_context("spawn")
        self.stop, self.images = context.Event(), context.Value("q", 0)
        numbers = context.SimpleQueue()
        for number in range(gpus):
            numbers.put(number)
        arguments = (self.stop, self.images, numbers if gpus else None, os.getpid())
        self.pool = ProcessPoolExecutor(count, context, _Trainer.start, arguments)


class _Trainer:
    """What a process that trains knows of the others."""

    stop: Event
    images: Synchronized
    parent: int

    @classmethod
    def start(cls, stop: Event, images: Synchronized, gpus: SimpleQueue | None, parent: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and sets `stop`
        cls.stop, cls.images, cls.parent = stop, images, parent
        if gpus is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = str(gpus.get())

    @classmethod
    def count(cls, images: int) -> None:
        if os.getppid() != cls.parent:
            os._exit(1)
        if cls.stop.is_set():
            raise CancelledError
        with cls.images.get_lock():
            cls.images.value += images


def _train_in_process(features: Features, params: TrainParams, seed: int, file: Path) -> "Fitted":
    from stages.network.training import train_network

    return train_network(features, params, seed, file, _Trainer.count)


def _fit_in_processes(
    features: Features, params: TrainParams, files: dict[int, Path], processes: _Processes, bar: tqdm
) -> "list[Fitted]":
    with processes.pool as pool:
        futures = [pool.submit(_train_in_process, features, params, seed, file) for seed, file in files.items()]
        try:
            unfinished = set(futures)
            while unfinished:
                done, unfinished = wait(unfinished, _LOOK_SECONDS, FIRST_EXCEPTION)
                bar.update(processes.images.value - bar.n)
                for future in done:
                    future.result()
            return [future.result() for future in futures]
        except BrokenProcessPool:
            raise PipelineError(
                "a process that trained a network was killed, as the system does when memory is full; "
                "lower `train.batch_size`, `train.image_size` or PIPELINE_WORKERS"
            ) from None
        finally:
            processes.stop.set()
            for future in futures:
                future.cancel()


def _gpu_count() -> int:
    """Return how many GPUs TensorFlow uses; it is asked only where there can be any, as it takes seconds to import."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return 0
    from stages.network.runtime import tf

    return len(tf.config.list_physical_devices("GPU"))
