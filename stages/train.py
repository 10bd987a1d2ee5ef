"""Trains ResNet50 on one data set, once a seed, and keeps the networks and their learning curves.

Reads `data/features/<dataset>/train`, writes `data/models/<dataset>/` and `data/scores/history/<dataset>.csv`. Networks
of the last run with the same images, settings and code are kept, so another seed trains only one more network.
"""

import sys
import time

import pandas as pd

from stages.core.errors import PipelineError, error_context, run_stage
from stages.core.files import new_folder, write_file
from stages.core.parallel import print_summary
from stages.core.params import load_params
from stages.core.paths import HISTORY, MODELS
from stages.core.store import last_run_folder
from stages.network.fitting import fit
from stages.network.inputs import read_features, validation_mask
from stages.network.memory import check_memory
from stages.network.models import Model, keep_model, keep_states, link_files, training_key, write_model


def train(dataset: str) -> None:
    """Train one network a seed on a data set."""
    params = load_params().require_classes("train").train
    features = read_features(dataset, "train")
    if (
        params.patience is not None
        and not validation_mask(features.paths, features.labels, params.validation_fraction, params.seeds[0]).any()
    ):
        raise PipelineError(
            "`train.patience` needs validation images, so `train.validation_fraction` must hold at least one a class; "
            f"received: {params.validation_fraction:g}"
        )
    check_memory(params, features.inputs)
    key = training_key(features, params)
    start, images, notes = time.monotonic(), 0, {""}
    last = last_run_folder(dataset, "networks")  # as DVC deletes the outputs before
    with new_folder(MODELS / dataset) as folder, new_folder(last) as links:
        histories = {}
        for seed in params.seeds:
            if (kept := keep_model(last, seed, key, folder)) is not None:
                histories[seed] = kept.history
        missing = [seed for seed in params.seeds if seed not in histories]
        with keep_states(dataset, key, missing) as files:
            for fitted in fit(features, params, dataset, files) if missing else ():
                notes.add(fitted.note)
                images += len(fitted.history) * len(features.labels)
                with error_context(MODELS / dataset):
                    write_model(folder, fitted.seed, Model(key, fitted.made_with, fitted.history), fitted.weights)
                histories[fitted.seed] = fitted.history
        link_files(folder.iterdir(), links)
        curves = HISTORY / f"{dataset}.csv"
        table = pd.concat(histories[seed] for seed in params.seeds)
        write_file(curves, table.to_csv(index=False).encode())
    for note in sorted(notes - {""}):
        print(f"train: {note}")
    rate = f" at {images / (time.monotonic() - start):.0f} images a second" if missing else ""
    kept_count = len(params.seeds) - len(missing)
    also = f", {kept_count} kept as they were," if kept_count else ""
    print_summary(
        f"train: {len(missing)} network(s) on {len(features.paths)} {dataset} images{rate}{also} "
        f"into {MODELS / dataset}/; curves in {curves}"
    )


if __name__ == "__main__":
    run_stage(train, *sys.argv[1:])
