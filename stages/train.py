"""Trains ResNet50 on one data set, once a seed, and keeps the networks and their learning curves.

Reads `data/features/<dataset>/train`, writes `data/models/<dataset>/` and `metrics/history/<dataset>.csv`.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from stages.core.draws import order_key
from stages.core.errors import PipelineError, run_stage
from stages.core.executor import progress
from stages.core.features import Features, read_features
from stages.core.images import new_folder, write_file
from stages.core.network import MODELS, batches, build_classifier, keras, start_tensorflow, weights_file
from stages.core.params import TrainParams, load_params

HISTORY = Path("metrics/history")
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
    def __init__(self, label: str, params: TrainParams, steps: int):
        super().__init__()
        self._bar = progress(total=params.epochs * steps, label=label, unit="batches")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._bar.set_postfix(epoch=epoch + 1, **{key: f"{value:.3f}" for key, value in sorted((logs or {}).items())})

    def on_train_end(self, logs: dict | None = None) -> None:
        self._bar.close()


def fit(features: Features, params: TrainParams, seed: int, label: str) -> tuple[keras.Model, pd.DataFrame]:
    """Train one network.

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

    Returns
    -------
    model : keras.Model
        After the last epoch, or after the best if `patience` is set.
    history : pandas.DataFrame
        One row an epoch: seed, epoch, loss, accuracy and, with validation images, val_loss and val_accuracy.
    """
    start_tensorflow(seed, params.precision)
    model = build_classifier(params, len(features.classes))
    optimizer = {"class_name": params.optimizer, "config": {"learning_rate": params.learning_rate}}
    model.compile(keras.optimizers.get(optimizer), "sparse_categorical_crossentropy", metrics=["accuracy"])
    _create_variables(model)
    held_out = validation_mask(features.paths, features.labels, params.validation_fraction)
    data = features.inputs, features.labels
    training = batches(*data, np.flatnonzero(~held_out), params.batch_size, seed)
    validation = batches(*data, np.flatnonzero(held_out), params.batch_size) if held_out.any() else None
    callbacks: list = [_Progress(f"{label} seed {seed}", params, len(training))]
    if params.patience is not None:
        callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=params.patience, restore_best_weights=True))
    history = model.fit(training, validation_data=validation, epochs=params.epochs, callbacks=callbacks, verbose=0)
    table = pd.DataFrame({"seed": seed, "epoch": np.arange(1, len(history.epoch) + 1), **history.history})
    return model, table.round(6)


def _create_variables(model: keras.Model) -> None:
    # A first step that creates variables is traced twice, which takes as long as several epochs of the default.
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, y=np.zeros(1), y_pred=np.ones((1, model.output_shape[-1]), np.float32))
    model.reset_metrics()


def train(dataset: str) -> None:
    """Train one network a seed on a data set.

    Parameters
    ----------
    dataset : str
        ``raw`` or a variant.

    Raises
    ------
    PipelineError
        If early stopping is asked for without validation images, or training diverged.
    """
    params = load_params().train
    features = read_features(dataset, "train")
    if (
        params.patience is not None
        and not validation_mask(features.paths, features.labels, params.validation_fraction).any()
    ):
        raise PipelineError(
            "`train.patience` needs validation images, so `train.validation_fraction` must hold at least one a class; "
            f"received: {params.validation_fraction:g}"
        )
    histories = []
    with new_folder(MODELS / dataset) as folder:
        for seed in params.seeds:
            model, history = fit(features, params, seed, dataset)
            if not np.isfinite(history["loss"].iloc[-1]):
                raise PipelineError(
                    f"training on {dataset} diverged: the loss is not a number; lower `train.learning_rate`, "
                    f"received: {params.learning_rate:g}"
                )
            # Without the optimizer, whose state would treble the file.
            keras.Model(model.inputs, model.outputs).save_weights(folder / weights_file(seed))
            histories.append(history)
    file = HISTORY / f"{dataset}.csv"
    write_file(file, pd.concat(histories).to_csv(index=False).encode())
    print(
        f"train: {len(params.seeds)} network(s) on {len(features.paths)} {dataset} images into {MODELS / dataset}/; "
        f"curves in {file}"
    )


if __name__ == "__main__":
    run_stage(train, *sys.argv[1:])
