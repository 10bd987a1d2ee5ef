"""Reads and writes what `extract` makes of a split: the network's inputs, with labels and paths."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.core.errors import naming

FEATURES = Path("data/features")


class Features(NamedTuple):
    """The inputs of one split of one data set."""

    inputs: np.ndarray  # (images, size, size, 3) uint8, or (images, 2048) float32; mapped from disk
    labels: np.ndarray  # (images,) int64, index into classes
    classes: list[str]
    paths: list[str]  # relative to the split, sorted


def create_inputs(folder: Path, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Make the file for a split's inputs, mapped into memory for writing, with its disk space reserved."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "inputs.npy"
    inputs = np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):
        # On a full disk, a write to mapped memory would kill the process, and no error would say why.
        with naming(file), file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    return inputs


def write_index(folder: Path, paths: list[str], classes: list[str]) -> None:
    """Write which image and class each input is of."""
    content = {"classes": classes, "paths": paths}
    (folder / "index.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_features(dataset: str, split: str) -> Features:
    """Read a split's features, inputs mapped from disk.

    Parameters
    ----------
    dataset : str
        For example ``raw``.
    split : str
        ``train`` or ``test``.

    Returns
    -------
    Features
        The inputs with their labels, classes and paths.
    """
    folder = FEATURES / dataset / split
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    labels = np.array([index["classes"].index(path.split("/", 1)[0]) for path in index["paths"]])
    return Features(np.load(folder / "inputs.npy", mmap_mode="r"), labels, index["classes"], index["paths"])
