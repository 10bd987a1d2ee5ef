"""The training of one network: epochs, validation, early stopping, and the learning rate of each step."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.core.errors import PipelineError
from stages.core.machine import environment
from stages.core.parallel import operation_threads
from stages.core.params import TrainParams
from stages.core.seeding import generator
from stages.network.checkpoints import Checkpoint
from stages.network.classifier import PREDICTION_BATCH, cross_entropy
from stages.network.inputs import Features
from stages.network.runtime import accelerator_names
from stages.network.steps import Steps
from stages.network.variables import Network

WARM_UP = 0.2  # share of the steps in which the learning rate rises
LOWEST_RATE = 0.02  # share of its peak


class Fitted(NamedTuple):
    """One trained network."""

    seed: int
    weights: dict[str, np.ndarray]  # by path, in the order of `keras.Model.weights`
    history: pd.DataFrame  # a row an epoch: seed, epoch, loss, accuracy; with validation images, val_loss, val_accuracy
    made_with: dict[str, str]  # versions, processor and accelerator of the machine that trained it, and how it did


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
        Of the order of the images.
    features : Features
        The training split.
    held_out : numpy.ndarray
        (images,) bool, the validation images.
    params : TrainParams
        Hyperparameters.
    file : pathlib.Path
        Where the state is kept, for a training that is interrupted.

    Attributes
    ----------
    batches : int
        How many an epoch has.
    history : list of dict
        A row for each epoch so far.
    """

    def __init__(
        self, network: Network, seed: int, features: Features, held_out: np.ndarray, params: TrainParams, file: Path
    ):
        self._network, self._seed, self._features, self._params = network, seed, features, params
        self._rows, self._held_out = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        self.batches = math.ceil(len(self._rows) / params.batch_size)
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
            row = self._train_epoch(steps, stop, update) | self._validate(steps, stop)
            if not all(map(math.isfinite, row.values())):
                raise PipelineError(
                    "training diverged: the loss is not a number; lower `train.learning_rate`, "
                    f"received: {self._params.learning_rate:g}"
                )
            self.history.append(row)
            if self._params.patience is not None and self._best_epoch() == len(self.history) - 1:
                self._best = self._network.weights()
            self._checkpoint.save(self.history, self._best)
        table = pd.DataFrame(self.history)
        table.insert(0, "seed", self._seed)
        table.insert(1, "epoch", np.arange(1, len(table) + 1))
        weights = self._best or self._network.weights()
        return Fitted(self._seed, weights, table.round(6), _made_with(self._params))

    def _train_epoch(self, steps: Steps, stop: threading.Event, update: Callable[[], object]) -> dict[str, float]:
        epoch, size = len(self.history), self._params.batch_size
        order = generator(self._seed, f"epoch {epoch}").permutation(self._rows)
        losses = right = 0.0
        for number in range(self.batches):
            _check(stop)
            batch = order[number * size : (number + 1) * size]
            step = epoch * self.batches + number + 1
            rate = learning_rate(step, self._params.epochs * self.batches, self._params.learning_rate)
            inputs, labels = self._features.inputs[batch], self._features.labels[batch]
            loss, hits = steps.train(self._network, step, rate, inputs, labels)
            losses, right = losses + loss * len(batch), right + hits
            update()
        return {"loss": losses / len(order), "accuracy": right / len(order)}

    def _validate(self, steps: Steps, stop: threading.Event) -> dict[str, float]:
        if not len(self._held_out):
            return {}
        parts = []
        for chunk in np.split(self._held_out, range(PREDICTION_BATCH, len(self._held_out), PREDICTION_BATCH)):
            _check(stop)
            parts.append(steps.predict(self._network, self._features.inputs[chunk]))
        probabilities, labels = np.concatenate(parts), self._features.labels[self._held_out]
        right = probabilities.argmax(axis=1) == labels
        return {"val_loss": cross_entropy(probabilities, labels), "val_accuracy": float(right.mean())}

    def _best_epoch(self) -> int:
        return min(range(len(self.history)), key=lambda epoch: self.history[epoch]["val_loss"])

    def _stopped(self) -> bool:
        patience = self._params.patience
        return patience is not None and len(self.history) > patience + self._best_epoch() if self.history else False


def _made_with(params: TrainParams) -> dict[str, str]:
    made_with = environment(accelerator_names()) | {"precision": params.precision}
    if operation_threads() > 1:
        made_with["threads an operation"] = str(operation_threads())
    return made_with


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise CancelledError
