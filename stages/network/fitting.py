"""Fits one network to one data set's features, and goes on with a training that was interrupted."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from stages.core.parallel import progress
from stages.core.params import TrainParams
from stages.core.seeding import order_key
from stages.network.batches import batches
from stages.network.checkpoints import Checkpoint, Stopping
from stages.network.classifier import build_classifier
from stages.network.inputs import Features
from stages.network.memory import report_memory_errors
from stages.network.optimizers import make_optimizer
from stages.network.runtime import keras, start_tensorflow

# Seeds of `train` number networks; the validation split stays the same for all of them.
_SPLIT_SEED = 0


def validation_mask(paths: list[str], labels: np.ndarray, fraction: float) -> np.ndarray:
    """Choose the validation images: the same share of each class, and the same images in every data set.

    Parameters
    ----------
    paths : list of str
        Relative paths of the training images; the choice depends on them alone.
    labels : numpy.ndarray
        (images,) int, class of each.
    fraction : float
        Share of each class, rounded; at least one image of each class is left for training.

    Returns
    -------
    numpy.ndarray
        (images,) bool.

    Examples
    --------
    >>> int(validation_mask(["a/1.png", "a/2.png", "b/1.png", "b/2.png"], np.array([0, 0, 1, 1]), 0.5).sum())
    2
    """
    mask = np.zeros(len(paths), bool)
    for label in np.unique(labels):
        members = sorted(np.flatnonzero(labels == label), key=lambda index: order_key(_SPLIT_SEED, paths[index]))
        mask[members[: min(round(fraction * len(members)), len(members) - 1)]] = True
    return mask


class _Progress(keras.callbacks.Callback):
    def __init__(self, label: str, epochs: range, steps: int):
        super().__init__()
        self._bar = progress(total=len(epochs) * steps, label=label, unit="batches")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._bar.set_postfix(epoch=epoch + 1, **{key: f"{value:.3f}" for key, value in sorted((logs or {}).items())})

    def on_train_end(self, logs: dict | None = None) -> None:
        self._bar.close()


def fit(
    features: Features, params: TrainParams, seed: int, label: str, checkpoint_file: Path
) -> tuple[keras.Model, pd.DataFrame]:
    """Train one network, or go on with training it.

    Parameters
    ----------
    features : Features
        The training split.
    params : TrainParams
        Network and hyperparameters.
    seed : int
        Seed of the initial weights, the order of the images and dropout.
    label : str
        Name on the progress bar.
    checkpoint_file : pathlib.Path
        Where the state is kept, for a training that is interrupted.

    Returns
    -------
    model : keras.Model
        After the last epoch, or after the best if `patience` is set.
    history : pandas.DataFrame
        One row an epoch: seed, epoch, loss, accuracy and, with validation images, val_loss and val_accuracy.
    """
    start_tensorflow(seed, params.fitted_precision)
    model = build_classifier(params, len(features.classes))
    if _all_alike(features.inputs):
        # Without any variance, the gradient grows in each batch normalization, beyond all numbers. The head learns what
        # there is to learn: how common the classes are.
        for layer in model.layers:
            if isinstance(layer, keras.Model):
                layer.trainable = False
    model.compile(make_optimizer(params), "sparse_categorical_crossentropy", metrics=["accuracy"])
    _create_variables(model)
    held_out = validation_mask(features.paths, features.labels, params.validation_fraction)
    stopping = None if params.patience is None else Stopping(params.patience)
    checkpoint = Checkpoint(checkpoint_file, model, stopping)
    epochs = range(params.epochs if checkpoint.stopped else len(checkpoint.rows), params.epochs)
    data = features.inputs, features.labels
    training = batches(*data, np.flatnonzero(~held_out), params.batch_size, seed, epochs)
    validation = batches(*data, np.flatnonzero(held_out), params.batch_size) if held_out.any() else None
    steps = math.ceil((~held_out).sum() / params.batch_size)
    # Checkpoints come last: they keep what the others did.
    callbacks = [_Progress(f"{label} seed {seed}", epochs, steps), stopping, checkpoint]
    with report_memory_errors(params):
        model.fit(
            training,
            validation_data=validation,
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            steps_per_epoch=steps,
            callbacks=[callback for callback in callbacks if callback],
            verbose=0,
        )
    table = pd.DataFrame(checkpoint.rows)
    table.insert(0, "seed", seed)
    table.insert(1, "epoch", np.arange(1, len(table) + 1))
    return model, table.round(6)


def _all_alike(inputs: np.ndarray) -> bool:
    return all((inputs[start : start + 256] == inputs[0]).all() for start in range(0, len(inputs), 256))


def _create_variables(model: keras.Model) -> None:
    # A first step that creates variables is traced twice, which takes as long as several epochs of the default.
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, y=np.zeros(1), y_pred=np.ones((1, model.output_shape[-1]), np.float32))
    model.reset_metrics()
