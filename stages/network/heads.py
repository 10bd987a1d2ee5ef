"""Fits the heads of all seeds of a data set, on the stored features of a frozen backbone.

The seeds train side by side, each as a chain of operations of one thread: so a network's bytes depend on its own seed
alone, and the chains fill the cores. One stacked matrix product for all seeds would run on a single thread.
"""

import math
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event

import numpy as np
import pandas as pd
from tqdm import tqdm

from stages.core.errors import PipelineError
from stages.core.parallel import progress
from stages.core.params import TrainParams
from stages.network.batches import batches
from stages.network.classifier import build_classifier
from stages.network.fitting import validation_mask
from stages.network.inputs import Features
from stages.network.memory import report_memory_errors
from stages.network.optimizers import make_optimizer
from stages.network.runtime import keras, start_tensorflow, tf

Fitted = tuple[int, list[np.ndarray], pd.DataFrame]
Schedule = Callable[[int, int, TrainParams], float]


def constant_learning_rate(step: int, steps: int, params: TrainParams) -> float:
    """Return the learning rate of one step, here the same for all.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    steps : int
        How many steps there are in all epochs.
    params : TrainParams
        Hyperparameters.

    Returns
    -------
    float
        The learning rate.
    """
    return params.learning_rate


def fit_heads(
    features: Features,
    params: TrainParams,
    seeds: list[int],
    label: str,
    *,
    learning_rate: Schedule = constant_learning_rate,
    average_decay: float | None = None,
) -> list[Fitted]:
    """Train one head a seed, all at once.

    Parameters
    ----------
    features : Features
        The training split, (images, 2048) float32.
    params : TrainParams
        Head and hyperparameters.
    seeds : list of int
        A seed sets its network's initial weights, dropout, order of the images and validation images.
    label : str
        Name of the data set, for the progress bar and errors.
    learning_rate : callable, optional
        The learning rate of a step, called as `constant_learning_rate` is.
    average_decay : float, optional
        Validate and keep the moving average of the weights, which keeps this share of itself in every step.

    Returns
    -------
    list of (int, list of numpy.ndarray, pandas.DataFrame)
        In the order of the seeds: the seed; the weights as `build_classifier(...).set_weights` takes them, after the
        last epoch, or after the best if `patience` is set; and one row an epoch: seed, epoch, loss, accuracy and, with
        validation images, val_loss and val_accuracy.

    Raises
    ------
    PipelineError
        If training diverges, or memory is too small.
    """
    # Keras draws initial weights from a state of the whole process: networks are built one after the other.
    heads = [_Head(features, params, seed, average_decay) for seed in seeds]
    total = sum(params.epochs * head.steps for head in heads)
    stop = Event()
    with (
        report_memory_errors(params),
        progress(total=total, label=label, unit="batches") as bar,
        ThreadPoolExecutor(len(heads)) as executor,
    ):
        try:
            futures = [executor.submit(head.fit, learning_rate, label, bar, stop) for head in heads]
            ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in ended:
                future.result()
            return [(seed, *future.result()) for seed, future in zip(seeds, futures, strict=True)]
        finally:
            stop.set()


class _Head:
    """One network with its optimizer, its images and its traced steps."""

    def __init__(self, features: Features, params: TrainParams, seed: int, average_decay: float | None):
        self.params, self.seed = params, seed
        start_tensorflow(seed, params.fitted_precision)
        self.model = build_classifier(params, len(features.classes))
        self.optimizer = make_optimizer(params)
        if average_decay is not None:
            self.optimizer.use_ema, self.optimizer.ema_momentum = True, average_decay
        self.optimizer.build(self.model.trainable_variables)
        held_out = validation_mask(features.paths, features.labels, params.validation_fraction, seed)
        data, kept = (features.inputs, features.labels), np.flatnonzero(~held_out)
        self.steps = math.ceil(len(kept) / params.batch_size)
        self.training = batches(*data, kept, params.batch_size, seed, range(params.epochs))
        self.validation = batches(*data, np.flatnonzero(held_out), params.batch_size) if held_out.any() else None
        # Traced here, since tracing many functions of one name in their calls makes TensorFlow warn.
        self._train, self._judge = (
            tf.function(step, input_signature=self.training.element_spec).get_concrete_function()
            for step in (self._train_step, self._judge_step)
        )

    def _judge_step(self, inputs: tf.Tensor, labels: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Return the sum of the losses, the number of right answers, and that of images."""
        probabilities = self.model(inputs, training=training)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        right = tf.cast(tf.argmax(probabilities, axis=-1) == labels, tf.float32)
        return tf.stack([tf.reduce_sum(losses), tf.reduce_sum(right), tf.cast(tf.size(labels), tf.float32)])

    def _train_step(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            sums = self._judge_step(inputs, labels, training=True)
            loss = sums[0] / sums[2]
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return sums

    def fit(self, learning_rate: Schedule, label: str, bar: tqdm, stop: Event) -> tuple[list[np.ndarray], pd.DataFrame]:
        """Train until the last epoch, early stopping, or `stop`; return the weights and the learning curve."""
        rows, steps = [], iter(self.training)
        best_loss, best_epoch, best = math.inf, 0, None
        for epoch in range(self.params.epochs):
            sums = np.zeros(3)
            for number, batch in enumerate(islice(steps, self.steps), epoch * self.steps):
                if stop.is_set():
                    raise CancelledError
                self.optimizer.learning_rate = learning_rate(number, self.params.epochs * self.steps, self.params)
                sums += self._train(*batch).numpy()
                with bar.get_lock():
                    bar.update()
            weights, judged = self._end_epoch()
            rows.append({"seed": self.seed, "epoch": epoch + 1, **_means(sums), **_means(judged, "val_")})
            if not np.isfinite(list(rows[-1].values())).all():
                raise PipelineError(
                    f"training on {label} diverged: the loss is not a number; lower `train.learning_rate`, "
                    f"received: {self.params.learning_rate:g}"
                )
            if self.params.patience is None:
                best = weights
            elif rows[-1]["val_loss"] < best_loss:
                best_loss, best_epoch, best = rows[-1]["val_loss"], epoch, weights
            elif epoch - best_epoch >= self.params.patience:
                break
        return best, pd.DataFrame(rows).round(6)

    def _end_epoch(self) -> tuple[list[np.ndarray], np.ndarray | None]:
        """Return the weights, or their moving average, and how they do on the validation images."""
        latest = self.model.get_weights() if self.optimizer.use_ema else None
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        judged = None
        if self.validation is not None:
            judged = sum(self._judge(*batch).numpy().astype(float) for batch in self.validation)
        weights = self.model.get_weights()
        if latest is not None:
            self.model.set_weights(latest)
        return weights, judged


def _means(sums: np.ndarray | None, prefix: str = "") -> dict[str, float]:
    return {} if sums is None else {f"{prefix}loss": sums[0] / sums[2], f"{prefix}accuracy": sums[1] / sums[2]}
