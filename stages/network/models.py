"""Keeps the trained networks of a data set, one by one: `data/models/<dataset>/seed_<seed>.{npz,json}`.

The JSON file says what the weights beside it were made of, so that a network is trained again only if that changed.
"""

import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.core.params import TrainParams
from stages.core.paths import PARTIAL
from stages.core.store import digest_of, key_of, write_arrays
from stages.network.inputs import Features
from stages.network.weights import weights_file, weights_key

_CODE = ("core", "network", "train.py")  # what `train` depends on in dvc.yaml


class Model(NamedTuple):
    """What is known of one trained network."""

    key: str  # of all that it was made of
    made_with: dict[str, str]  # versions and processor
    history: pd.DataFrame  # learning curves, a row an epoch


def training_key(features: Features, params: TrainParams) -> str:
    """Return a key of what a network is made of, but for its seed and a GPU."""
    settings = params.model_dump(exclude={"seeds"}), weights_key(params.weights)
    return key_of(_CODE, settings, features.classes, features.paths, features.inputs)[:16]


def read_model(dataset: str, seed: int) -> Model:
    """Read what is known of one trained network."""
    return _read(weights_file(dataset, seed))[0]


def write_model(folder: Path, seed: int, model: Model, weights: dict[str, np.ndarray]) -> None:
    """Write a trained network and what is known of it."""
    file = folder / weights_file("", seed).name
    write_arrays(file, weights)
    about = model._asdict() | {"history": model.history.to_csv(index=False), "sha256": digest_of([file])}
    file.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def keep_model(last: Path, seed: int, key: str, folder: Path) -> Model | None:
    """Take a network of the last training over into a new folder, if it was made of the same and is whole."""
    file = last / weights_file("", seed).name
    try:
        model, digest = _read(file)
        if model.key != key or digest != digest_of([file]):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    link_files([file, file.with_suffix(".json")], folder)
    return model


def link_files(files: Iterable[Path], folder: Path) -> None:
    """Link files into a folder, or copy them where there are no hard links."""
    for file in files:
        try:
            os.link(file, folder / file.name)
        except OSError:
            shutil.copyfile(file, folder / file.name)


@contextmanager
def keep_states(dataset: str, key: str, seeds: list[int]) -> Iterator[dict[int, Path]]:
    """Choose a file for each seed's state; remove states of other settings before, and these after a whole training."""
    folder = PARTIAL / dataset
    files = {seed: folder / f"seed_{seed}_{key}.npz" for seed in seeds}
    for leftover in set(folder.glob("*")) - set(files.values()):
        leftover.unlink()
    yield files
    shutil.rmtree(folder, ignore_errors=True)


def _read(file: Path) -> tuple[Model, str]:
    """Return what is known of a network, and the digest of its weights."""
    known = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    return Model(known["key"], known["made_with"], pd.read_csv(io.StringIO(known["history"]))), known["sha256"]
