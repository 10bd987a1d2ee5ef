"""Finds and reads the weights of networks, plain arrays, `data/models/<dataset>/seed_<seed>.npz`."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stages.core.errors import PipelineError, line_of
from stages.core.paths import MODELS
from stages.core.store import NOT_WHOLE, digest_of

if TYPE_CHECKING:
    from stages.network.runtime import keras


def weights_file(dataset: str, seed: int) -> Path:
    """Return the file of the weights of one network."""
    return MODELS / dataset / f"seed_{seed}.npz"


def weights_key(weights: str | None) -> str:
    """Return a key of `train.weights`: of a path, what the files hold."""
    if weights in (None, "imagenet"):
        return str(weights)
    path = Path(weights)
    return digest_of(sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path])


def load_weights(model: "keras.Model", file: Path) -> None:
    """Read the weights of a file into a network of the same layers."""
    try:
        with file.open("rb") as stream, np.lib.npyio.NpzFile(stream, allow_pickle=False) as saved:
            arrays = [np.asarray(saved[name]) for name in saved.files]
        if kinds := {str(array.dtype) for array in arrays} - {str(variable.dtype) for variable in model.weights}:
            raise ValueError(f"values of type {', '.join(sorted(kinds))}")
        model.set_weights(arrays)
    except NOT_WHOLE as error:
        raise PipelineError(
            f"`{file}` must hold the weights of the network that `train` describes ({line_of(error)}); "
            f"`dvc repro -f train@{file.parent.name}` makes it anew"
        ) from None
