"""The training of one network by Keras: epochs, validation, early stopping, and going on after an interruption."""

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.core.errors import PipelineError, error_context
from stages.core.machine import environment
from stages.core.params import TrainParams
from stages.core.seeding import generator
from stages.core.store import read_arrays, write_arrays
from stages.network.classifier import PREDICTION_BATCH, build_classifier
from stages.network.inputs import Features, validation_mask
from stages.network.memory import report_memory_errors
from stages.network.optimizers import make_optimizer
from stages.network.runtime import accelerator_names, keras, start_tensorflow
from stages.network.speed import slow_step

WARM_UP = 0.2  # share of the steps in which the learning rate rises
LOWEST_RATE = 0.02  # share of its peak
SAVE_SECONDS = 100  # between two states: some 3 % of the time where a disk takes 3 s for 300 MB
_traced: dict[str, keras.Model] = {}  # at most one, of this process


class Fitted(NamedTuple):
    """One trained network."""

    seed: int
    weights: dict[str, np.ndarray]  # by path, in the order of `keras.Model.weights`
    history: pd.DataFrame  # a row an epoch: seed, epoch, loss, accuracy; with validation images, val_loss, val_accuracy
    made_with: dict[str, str]  # versions, processor and accelerator of the machine that trained it, and how it did
    note: str  # that steps were slow, or nothing


def train_network(
    features: Features, params: TrainParams, seed: int, file: Path, count_images: Callable[[int], object]
) -> Fitted:
    """Train the network of one seed, or go on with training it."""
    start_tensorflow(params.precision)
    held_out = validation_mask(features.paths, features.labels, params.validation_fraction, seed)
    rows, validation = np.flatnonzero(~held_out), _Batches(features, np.flatnonzero(held_out), PREDICTION_BATCH)
    model = _compiled_model(features, params, seed, math.ceil(len(rows) / params.batch_size))
    state = State(file, model)
    count_images(len(state.history) * len(features.labels))
    watch = _Watch(validation, count_images)
    with report_memory_errors(params):
        while not is_over(state.history, params):
            order = generator(seed, f"epoch {len(state.history)}").permutation(rows)
            watch.training = _Batches(features, order, params.batch_size)
            validated = {"validation_data": validation} if len(validation) else {}
            curves = model.fit(watch.training, **validated, shuffle=False, verbose=0, callbacks=[watch]).history
            names = [name for name in ("loss", "accuracy", "val_loss", "val_accuracy") if name in curves]
            row = {name: float(curves[name][0]) for name in names}
            if not all(map(math.isfinite, row.values())):
                raise divergence(params)
            state.add(row, is_best=params.patience is not None)
    table = pd.DataFrame(state.history)
    table.insert(0, "seed", seed)
    table.insert(1, "epoch", np.arange(1, len(table) + 1))
    made_with = environment(accelerator_names()) | {"precision": params.precision}
    return Fitted(seed, state.best or _weights(model), table.round(6), made_with, slow_step(params, watch.seconds))


def _compiled_model(features: Features, params: TrainParams, seed: int, batches: int) -> keras.Model:
    """Return a model to train: where there is one, that of the last seed with other weights, as tracing is slow."""
    initial = build_classifier(params, len(features.classes), seed)
    inputs = features.inputs
    if all((inputs[start : start + 256] == inputs[0]).all() for start in range(0, len(inputs), 256)):
        # Without any variance, the gradient grows in each batch normalization, beyond all numbers. The head learns what
        # there is to learn: how common the classes are.
        for layer in initial.layers:
            if isinstance(layer, keras.Model):
                layer.trainable = False
    key = json.dumps([params.model_dump(exclude={"seeds"}), features.classes, batches, len(initial.trainable_weights)])
    if key not in _traced:
        _traced.clear()
        compile_model(initial, params, batches)
        _traced[key] = initial
        return initial
    reset_model(_traced[key], initial.variables)
    return _traced[key]


def reset_model(model: keras.Model, initial: Sequence[np.ndarray | keras.Variable]) -> None:
    """Give a compiled model other values of its variables, and its optimizer a new start."""
    for variable, value in zip(model.variables, initial, strict=True):
        variable.assign(value)
    for variable in model.optimizer.variables:  # moments and the step's number; the rate follows from that
        variable.assign(keras.ops.zeros_like(variable))


def compile_model(model: keras.Model, params: TrainParams, batches: int) -> None:
    """Compile a model, with so many batches an epoch."""
    # Short training from random weights wastes its first epoch at a constant rate, and ends wherever noise left it.
    steps = params.epochs * batches
    warm_up = max(1, round(WARM_UP * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        LOWEST_RATE * params.learning_rate,
        max(1, steps - warm_up),
        alpha=LOWEST_RATE,
        warmup_target=params.learning_rate,
        warmup_steps=warm_up,
    )
    optimizer = make_optimizer(params.optimizer, rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    optimizer.build(model.trainable_variables)


def is_over(history: list[dict[str, float]], params: TrainParams) -> bool:
    """Return whether training ends after these epochs."""
    if len(history) >= params.epochs or params.patience is None or not history:
        return len(history) >= params.epochs
    return len(history) > params.patience + best_epoch(history)


def divergence(params: TrainParams) -> PipelineError:
    """Return the error of a network whose loss is not a number."""
    return PipelineError(
        f"training diverged: the loss is not a number; lower `train.learning_rate`, received: {params.learning_rate:g}"
    )


def best_epoch(history: list[dict[str, float]]) -> int:
    """Return the epoch with the smallest validation loss."""
    return min(range(len(history)), key=lambda epoch: history[epoch]["val_loss"])


class _Batches(keras.utils.PyDataset):
    """Images with their labels, batch by batch, read from disk when they are needed."""

    def __init__(self, features: Features, rows: np.ndarray, size: int):
        super().__init__()
        self._features, self._rows, self._size = features, rows, size

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self._size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.rows(index)
        return self._features.inputs[rows], self._features.labels[rows]

    def rows(self, index: int) -> np.ndarray:
        return self._rows[index * self._size : (index + 1) * self._size]


class _Watch(keras.callbacks.Callback):
    """Counts images and takes the processor time of each step."""

    def __init__(self, validation: _Batches, count_images: Callable[[int], object]):
        super().__init__()
        self.training, self._validation, self._count = validation, validation, count_images
        self.seconds: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._count(len(self.training.rows(batch)))
        self._start = time.process_time()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.seconds.append(time.process_time() - self._start)

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._count(len(self._validation.rows(batch)))


def _weights(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path: variable.numpy() for variable in model.weights}


class State:
    """A training after an epoch, kept on disk; Keras' `BackupAndRestore` keeps neither curves nor the best weights."""

    def __init__(self, file: Path, model: keras.Model):
        self._file, self._model = file, model
        self._variables = [*model.variables, *model.optimizer.variables]
        self._saved = time.monotonic()
        self.history: list[dict[str, float]] = []
        self.best: dict[str, np.ndarray] = {}
        self._restore()

    def add(self, row: dict[str, float], *, is_best: bool) -> None:
        """Add an epoch; save the state, if that was not done for a while."""
        self.history.append(row)
        if is_best and best_epoch(self.history) == len(self.history) - 1:
            self.best = _weights(self._model)
        if time.monotonic() - self._saved < SAVE_SECONDS:
            return
        arrays = {f"variable_{index}": variable.numpy() for index, variable in enumerate(self._variables)}
        arrays |= {f"best_{path}": weights for path, weights in self.best.items()}
        with error_context(self._file):
            write_arrays(self._file, arrays | {"history": np.array(json.dumps(self.history))})
        self._saved = time.monotonic()

    def _restore(self) -> None:
        names = [f"variable_{index}" for index in range(len(self._variables))]
        saved = read_arrays(self._file, needed=["history", *names])
        if not saved:
            return
        for name, variable in zip(names, self._variables, strict=True):
            variable.assign(saved[name])
        self.history = json.loads(str(saved["history"]))
        self.best = {name.removeprefix("best_"): saved[name] for name in saved if name.startswith("best_")}
        print(f"train: goes on after epoch {len(self.history)}, from `{self._file}`", flush=True)
