"""Reads and writes what `extract` makes of a split: the network's inputs, with labels and paths."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.core.errors import error_context
from stages.core.files import new_folder
from stages.core.paths import FEATURES
from stages.core.seeding import order_key
from stages.core.store import digest_of, last_run_folder, read_state, write_state

_FILES = ("inputs.npy", "index.json")
_KEYS = "parts.json"  # not keys.json, which earlier versions wrote in another way


class Features(NamedTuple):
    """The inputs of one split of one data set."""

    inputs: np.ndarray  # (images, size, size, 3) uint8, or (images, 2048) float32; mapped from disk
    labels: np.ndarray  # (images,) int64, index into classes
    classes: list[str]
    paths: list[str]  # relative to the split, sorted

    def __reduce__(self) -> tuple:
        # For a worker of a cluster: mapped again from the same file, and not copied.
        if isinstance(self.inputs, np.memmap) and self.inputs.filename is not None:
            return _read, (Path(self.inputs.filename).parent,)
        return Features, tuple(self)


def create_inputs(folder: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Make the file for a split's inputs, mapped into memory for writing, with its disk space reserved."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "inputs.npy"
    inputs = np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):
        # On a full disk, a write to mapped memory would kill the process, and no error would say why.
        with error_context(file), file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    return inputs


def write_index(folder: Path, paths: list[str], classes: list[str]) -> None:
    """Write which image and class each input is of."""
    content = {"classes": classes, "paths": paths}
    (folder / "index.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_features(dataset: str, split: str) -> Features:
    """Read a split's features, inputs mapped from disk."""
    return _read(FEATURES / dataset / split)


def validation_mask(paths: list[str], labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose the validation images: the same share of each class, and for a seed the same images in every data set.

    Examples
    --------
    >>> int(validation_mask(["a/1.png", "a/2.png", "b/1.png", "b/2.png"], np.array([0, 0, 1, 1]), 0.5, 0).sum())
    2
    """
    mask = np.zeros(len(paths), bool)
    for label in np.unique(labels):
        members = sorted(np.flatnonzero(labels == label), key=lambda index: order_key(seed, paths[index]))
        mask[members[: min(round(fraction * len(members)), len(members) - 1)]] = True
    return mask


class LastInputs:
    """The inputs that the last run of `extract` made for a split, to be copied where nothing has changed."""

    def __init__(self, dataset: str, split: str):
        self._folder = last_run_folder(dataset, f"inputs {split}")
        self.keys: dict[str, str] = {}
        digest, keys = read_state(self._folder / _KEYS) or ("", {})
        with suppress(OSError):
            if digest_of(self._folder / name for name in _FILES) == digest:
                self.keys, self._features = keys, _read(self._folder)
                self._row_of = {path: row for row, path in enumerate(self._features.paths)}

    def read(self, paths: list[str]) -> np.ndarray:
        """Read the inputs of a part of `keys`, by paths relative to the split."""
        return np.asarray(self._features.inputs[[self._row_of[path] for path in paths]])

    def replace(self, folder: Path, keys: dict[str, str]) -> None:
        """Keep the inputs of another folder in place of these, by links; where there are no links, nothing is kept."""
        with new_folder(self._folder) as kept, suppress(OSError):
            for name in _FILES:
                os.link(folder / name, kept / name)
            write_state(kept / _KEYS, [digest_of(folder / name for name in _FILES), keys])


def _read(folder: Path) -> Features:
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    labels = np.array([index["classes"].index(path.split("/", 1)[0]) for path in index["paths"]])
    return Features(np.load(folder / "inputs.npy", mmap_mode="r"), labels, index["classes"], index["paths"])
