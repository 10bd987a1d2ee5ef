"""Trains ResNet50 on one data set, once a seed, and keeps the networks and their learning curves.

Reads `data/features/<dataset>/train`, writes `data/models/<dataset>/` and `metrics/history/<dataset>.csv`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from stages.core.errors import PipelineError, naming, run_stage
from stages.core.files import new_folder, write_file
from stages.core.machine import environment
from stages.core.parallel import finish
from stages.core.params import load_params
from stages.network.checkpoints import checkpoint_files
from stages.network.fitting import fit, validation_mask
from stages.network.inputs import read_features
from stages.network.memory import check_memory
from stages.network.runtime import accelerator_names
from stages.network.weights import ENVIRONMENT, MODELS, save_weights, weights_file

HISTORY = Path("metrics/history")


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
    check_memory(params, features.inputs)
    histories = []
    with checkpoint_files(dataset, features, params) as files, new_folder(MODELS / dataset) as folder:
        for seed in params.seeds:
            model, history = fit(features, params, seed, dataset, files[seed])
            if not np.isfinite(history["loss"].iloc[-1]):
                raise PipelineError(
                    f"training on {dataset} diverged: the loss is not a number; lower `train.learning_rate`, "
                    f"received: {params.learning_rate:g}"
                )
            file = weights_file(dataset, seed)
            with naming(file):
                save_weights(model, folder / file.name)
            histories.append(history)
        made_with = environment(accelerator_names()) | {"precision": params.precision}
        (folder / ENVIRONMENT).write_text(json.dumps(made_with) + "\n", encoding="utf-8")
    curves = HISTORY / f"{dataset}.csv"
    write_file(curves, pd.concat(histories).to_csv(index=False).encode())
    finish(
        f"train: {len(params.seeds)} network(s) on {len(features.paths)} {dataset} images into {MODELS / dataset}/; "
        f"curves in {curves}"
    )


if __name__ == "__main__":
    run_stage(train, *sys.argv[1:])
