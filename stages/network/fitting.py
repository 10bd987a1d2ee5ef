"""Fits one network a seed to one data set's features, side by side, and resumes trainings that were interrupted."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.core.errors import PipelineError
from stages.core.parallel import progress, run_side_by_side
from stages.core.params import TrainParams
from stages.core.seeding import generator, order_key
from stages.network.checkpoints import Checkpoint
from stages.network.classifier import PREDICTION_BATCH, build_classifier, cross_entropy
from stages.network.inputs import Features
from stages.network.memory import networks_at_once, report_memory_errors
from stages.network.optimizers import OPTIMIZERS
from stages.network.runtime import keras, start_tensorflow
from stages.network.steps import Network, Steps

WARM_UP = 0.2  # share of the steps in which the learning rate rises
LOWEST_RATE = 0.02  # share of its peak


class Fitted(NamedTuple):
    """One trained network."""

    seed: int
    weights: dict[str, np.ndarray]  # by path, in the order of `keras.Model.weights`
    history: pd.DataFrame  # a row an epoch: seed, epoch, loss, accuracy; with validation images, val_loss, val_accuracy


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


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Return the learning rate of a step: a linear rise to the peak, then a linear fall.

    Short training from random weights wastes its first epoch at the peak, and ends wherever noise left it without a
    fall. With both, the peak can be several times as high.

    Parameters
    ----------
    step : int
        From 1.
    steps : int
        Of the whole training.
    peak : float
        The highest rate, above 0.

    Returns
    -------
    float
        Above 0.

    References
    ----------
    Goyal et al.: Accurate, large minibatch SGD: training ImageNet in 1 hour. arXiv 1706.02677, 2017 (warm-up).

    Examples
    --------
    >>> [learning_rate(step, 10, 0.5) for step in (1, 2, 6, 10)]
    [0.25, 0.5, 0.25, 0.01]
    """
    warm_up = WARM_UP * steps
    if step <= warm_up:
        return peak * step / warm_up
    return peak * max(LOWEST_RATE, (steps - step) / (steps - warm_up))


class Training:
    """The training of one seed's network.

    Parameters
    ----------
    network : Network
        With its initial weights.
    seed : int
        Of the validation images and the order of the others.
    features : Features
        The training split.
    params : TrainParams
        Hyperparameters.
    file : pathlib.Path
        Where the state is kept, for a training that is interrupted.
    """

    def __init__(self, network: Network, seed: int, features: Features, params: TrainParams, file: Path):
        self.network, self.seed = network, seed
        self._features, self._params = features, params
        held_out = validation_mask(features.paths, features.labels, params.validation_fraction, seed)
        self._rows, self._held_out = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        self._steps = math.ceil(len(self._rows) / params.batch_size)
        self._checkpoint = Checkpoint(file, network)
        self.history, self._best = self._checkpoint.restore()

    def run(self, steps: Steps, stop: threading.Event, update: Callable[[], object]) -> Fitted:
        """Train until the last epoch, or until the validation loss has not fallen for `patience` epochs.

        Parameters
        ----------
        steps : Steps
            The traced functions.
        stop : threading.Event
            Ends the training, without a result, once it is set.
        update : callable
            Called after each batch.

        Returns
        -------
        Fitted
            The network after the last epoch, or after the best if `patience` is set.

        Raises
        ------
        PipelineError
            If the loss is not a number.
        concurrent.futures.CancelledError
            If `stop` was set.
        """
        while len(self.history) < self._params.epochs and not self._stopped():
            row = self._train_epoch(steps, stop, update) | self._validate(steps)
            if not all(map(math.isfinite, row.values())):
                raise PipelineError(
                    "training diverged: the loss is not a number; lower `train.learning_rate`, "
                    f"received: {self._params.learning_rate:g}"
                )
            self.history.append(row)
            if self._params.patience is not None and self._best_epoch() == len(self.history) - 1:
                self._best = self.network.weights()
            self._checkpoint.save(self.history, self._best)
        table = pd.DataFrame(self.history)
        table.insert(0, "seed", self.seed)
        table.insert(1, "epoch", np.arange(1, len(table) + 1))
        return Fitted(self.seed, self._best or self.network.weights(), table.round(6))

    def _train_epoch(self, steps: Steps, stop: threading.Event, update: Callable[[], object]) -> dict[str, float]:
        epoch, size = len(self.history), self._params.batch_size
        order = generator(self.seed, f"epoch {epoch}").permutation(self._rows)
        losses = right = 0.0
        for number in range(self._steps):
            if stop.is_set():
                raise CancelledError
            batch = order[number * size : (number + 1) * size]
            step = epoch * self._steps + number + 1
            rate = learning_rate(step, self._params.epochs * self._steps, self._params.learning_rate)
            inputs, labels = self._features.inputs[batch], self._features.labels[batch]
            loss, hits = steps.train(self.network, step, rate, inputs, labels)
            losses, right = losses + loss * len(batch), right + hits
            update()
        return {"loss": losses / len(order), "accuracy": right / len(order)}

    def _validate(self, steps: Steps) -> dict[str, float]:
        if not len(self._held_out):
            return {}
        chunks = np.split(self._held_out, range(PREDICTION_BATCH, len(self._held_out), PREDICTION_BATCH))
        probabilities = np.concatenate([steps.predict(self.network, self._features.inputs[part]) for part in chunks])
        labels = self._features.labels[self._held_out]
        right = probabilities.argmax(axis=1) == labels
        return {"val_loss": cross_entropy(probabilities, labels), "val_accuracy": float(right.mean())}

    def _best_epoch(self) -> int:
        return min(range(len(self.history)), key=lambda epoch: self.history[epoch]["val_loss"])

    def _stopped(self) -> bool:
        patience = self._params.patience
        return patience is not None and len(self.history) > patience + self._best_epoch() if self.history else False


def fit(features: Features, params: TrainParams, label: str, files: dict[int, Path]) -> list[Fitted]:
    """Train the networks of several seeds at the same time, or go on with training them.

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
        If a training diverged, or memory ran out.
    """
    optimizer = OPTIMIZERS[params.optimizer]
    networks: dict[int, Network] = {}
    for seed in files:
        model = _initial_model(features, params, seed)
        networks[seed] = Network(model, optimizer)
    trainings = [Training(networks[seed], seed, features, params, file) for seed, file in files.items()]
    steps = Steps(model, optimizer, trainings[0].network)
    total = len(trainings) * params.epochs * trainings[0]._steps
    done = sum(len(training.history) for training in trainings) * trainings[0]._steps
    with report_memory_errors(params), progress(total=total, label=label, unit="batches") as bar:
        bar.update(done)
        return run_side_by_side(
            lambda training, stop: training.run(steps, stop, bar.update),
            trainings,
            networks_at_once(params, features.inputs, len(trainings)),
        )


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
