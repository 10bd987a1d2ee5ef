"""Fits one network a seed to one data set's features, side by side, and resumes trainings that were interrupted."""

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.core.parallel import count_image, map_ordered, progress, run_side_by_side, uses_cluster
from stages.core.params import TrainParams
from stages.core.seeding import order_key
from stages.network.classifier import build_classifier
from stages.network.inputs import Features
from stages.network.memory import networks_at_once, report_memory_errors
from stages.network.mirrored import MirroredSteps
from stages.network.optimizers import OPTIMIZERS, Optimizer
from stages.network.runtime import device_groups, keras, start_tensorflow
from stages.network.steps import Steps
from stages.network.training import Fitted, Training
from stages.network.variables import Network


def validation_mask(paths: list[str], labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose the validation images: the same share of each class, and for a seed the same images in every data set.

    Parameters
    ----------
    paths : list of str
        Relative paths of the training images.
    labels : numpy.ndarray
        (images,) int, class of each.
    fraction : float
        Share of each class, rounded; at least one image of each class is left for training.
    seed : int
        Each seed has a choice of its own.

    Returns
    -------
    numpy.ndarray
        (images,) bool.

    Examples
    --------
    >>> int(validation_mask(["a/1.png", "a/2.png", "b/1.png", "b/2.png"], np.array([0, 0, 1, 1]), 0.5, 0).sum())
    2
    """
    mask = np.zeros(len(paths), bool)
    for label in np.unique(labels):
        members = sorted(np.flatnonzero(labels == label), key=lambda index: order_key(seed, paths[index]))
        mask[members[: min(round(fraction * len(members)), len(members) - 1)]] = True
    return mask


def fit(features: Features, params: TrainParams, label: str, files: dict[int, Path]) -> list[Fitted]:
    """Train the networks of several seeds at the same time, or go on with training them.

    On a machine with several GPUs, each, or each group of as many as share a network, trains every so many-th seed.

    Parameters
    ----------
    features : Features
        The training split.
    params : TrainParams
        Network and hyperparameters.
    label : str
        Name on the progress bar.
    files : dict of int to pathlib.Path
        The seeds, each of the initial weights, the validation images, the order of the others and dropout, and where
        the state of its training is kept.

    Returns
    -------
    list of Fitted
        In the order of the seeds. A network does not depend on which others are trained beside it.

    Raises
    ------
    PipelineError
        If a training diverged, memory ran out, or there are fewer GPUs than a network needs.
    """
    if not uses_cluster():
        return _fit_here(features, params, label, files)

    def fit_one(seed: int) -> Fitted:
        return _fit_here(features, params, label, {seed: files[seed]})[0]

    return list(map_ordered(fit_one, list(files), total=len(files), label=label, unit="networks"))


def _fit_here(features: Features, params: TrainParams, label: str, files: dict[int, Path]) -> list[Fitted]:
    # Without a GPU, no network waits for the one before.
    groups: Sequence[Sequence[str | None]] = device_groups(params.replicas) or [[None]] * len(files)
    optimizer, trainings, networks = OPTIMIZERS[params.optimizer], [], []
    for (seed, file), devices in zip(files.items(), itertools.cycle(groups), strict=False):
        model = _initial_model(features, params, seed)
        held_out = validation_mask(features.paths, features.labels, params.validation_fraction, seed)
        networks.append(Network(model, optimizer, devices))
        trainings.append(Training(networks[-1], seed, features, held_out, params, file))
    queues = min(len(groups), len(trainings))
    steps = _trace(model, optimizer, networks[:queues])
    batches, counting = trainings[0].batches, threading.Lock()  # every seed holds out as many images
    with (
        report_memory_errors(params),
        progress(total=len(trainings) * params.epochs * batches, label=label, unit="batches") as bar,
    ):
        bar.update(batches * sum(len(training.history) for training in trainings))

        def count_batch() -> None:
            with counting:  # a bar is not made for several threads
                bar.update()
            count_image()  # on a worker of a cluster, ends the training if the stage was stopped

        def run_queue(queue: int, stop: threading.Event) -> list[Fitted]:
            return [training.run(steps[queue], stop, count_batch) for training in trainings[queue::queues]]

        at_once = networks_at_once(params, features.inputs, len(trainings))
        fitted = run_side_by_side(run_queue, range(queues), at_once)
    return [fitted[number % queues][number // queues] for number in range(len(trainings))]


def _trace(model: keras.Model, optimizer: Optimizer, networks: list[Network]) -> Sequence[Steps]:
    if len(networks[0].devices) == 1:
        return [Steps(model, optimizer, networks[0])] * len(networks)
    return [MirroredSteps(model, optimizer, network) for network in networks]  # which does name devices


def _initial_model(features: Features, params: TrainParams, seed: int) -> keras.Model:
    start_tensorflow(seed, params.precision)
    model = build_classifier(params, len(features.classes))
    if _all_alike(features.inputs):
        # Without any variance, the gradient grows in each batch normalization, beyond all numbers. The head learns what
        # there is to learn: how common the classes are.
        for layer in model.layers:
            if isinstance(layer, keras.Model):
                layer.trainable = False
    return model


def _all_alike(inputs: np.ndarray) -> bool:
    return all((inputs[start : start + 256] == inputs[0]).all() for start in range(0, len(inputs), 256))
