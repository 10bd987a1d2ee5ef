"""Keeps the state of a training on disk, so that an interrupted one goes on after its last epoch with the same result.

The state lies in `data/.partial/`, since DVC deletes a stage's outputs before it runs it again, and goes when it ends.
"""

import hashlib
import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from stages.core.errors import naming
from stages.core.files import replace_file
from stages.core.params import TrainParams
from stages.network.inputs import Features
from stages.network.runtime import keras

PARTIAL = Path("data/.partial")
# Saving takes at most this share of the time.
COST_SHARE = 0.03
# Assumed of the disk until a state was saved, in bytes a second.
_WRITE_SPEED = 100e6
_CODE = Path(__file__).parents[1]


def training_key(features: Features, params: TrainParams) -> str:
    """Return a key of all that the result of a training depends on: data, settings, code and versions.

    Parameters
    ----------
    features : Features
        The training split.
    params : TrainParams
        Network and hyperparameters.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256(f"{keras.__version__} {np.__version__} {params.model_dump_json()}".encode())
    for file in sorted(_CODE.rglob("*.py")):
        digest.update(file.read_bytes())
    digest.update(json.dumps([features.classes, features.paths]).encode())
    for start in range(0, len(features.inputs), 1024):
        digest.update(np.ascontiguousarray(features.inputs[start : start + 1024]))
    return digest.hexdigest()[:16]


@contextmanager
def checkpoint_files(dataset: str, features: Features, params: TrainParams) -> Iterator[dict[int, Path]]:
    """Choose a file for each seed's state; remove states of other settings before, and these after a whole training.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    features : Features
        Its training split.
    params : TrainParams
        Network and hyperparameters.

    Yields
    ------
    dict of int to pathlib.Path
        The file of each seed; an error or an interruption leaves them.
    """
    folder = PARTIAL / dataset
    key = training_key(features, params)
    files = {seed: folder / f"seed_{seed}_{key}.npz" for seed in params.seeds}
    for other in set(folder.glob("*")) - set(files.values()):
        other.unlink()
    yield files
    shutil.rmtree(folder, ignore_errors=True)


class Stopping(keras.callbacks.EarlyStopping):
    """Early stopping that goes on where it was."""

    _KEPT = ("wait", "best", "best_epoch", "stopped_epoch")

    def __init__(self, patience: int):
        super().__init__("val_loss", mode="min", patience=patience, restore_best_weights=True)
        self.restored: dict = {}
        self.restored_weights: list[np.ndarray] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Start anew, or from what was restored."""
        super().on_train_begin(logs)
        for name, value in self.restored.items():
            setattr(self, name, value)
        if self.restored_weights:
            self.best_weights = self.restored_weights

    @property
    def state(self) -> dict:
        """Return what `restored` takes, as JSON does."""
        return {name: getattr(self, name) for name in self._KEPT}


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimizer, random state and learning curves after an epoch, and restores them.

    Parameters
    ----------
    file : pathlib.Path
        Where; its name holds the training's key.
    model : keras.Model
        Compiled, with all its variables made.
    stopping : Stopping or None, default=None
        Early stopping of the same training.
    """

    def __init__(self, file: Path, model: keras.Model, stopping: Stopping | None = None):
        super().__init__()
        self.rows: list[dict] = []
        self._file, self._stopping = file, stopping
        self._variables = [*model.variables, *model.optimizer.variables]
        self._cost = sum(variable.numpy().nbytes for variable in self._variables) / _WRITE_SPEED
        self._last = time.monotonic()
        self._restore()

    @property
    def stopped(self) -> bool:
        """Whether early stopping ended the training that was restored."""
        return self._stopping is not None and self._stopping.restored.get("stopped_epoch", 0) > 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Note the epoch's losses, and save if that takes a small share of the time since the last time."""
        self.rows.append({name: float(value) for name, value in (logs or {}).items()})
        if time.monotonic() - self._last < self._cost / COST_SHARE:
            return
        start = time.monotonic()
        self._save()
        self._last = time.monotonic()
        self._cost = self._last - start

    def _save(self) -> None:
        arrays = {f"variable_{index}": variable.numpy() for index, variable in enumerate(self._variables)}
        stopping = {}
        if self._stopping:
            stopping = self._stopping.state
            best = self._stopping.best_weights or []
            arrays |= {f"best_{index}": weights for index, weights in enumerate(best)}
        state = json.dumps({"rows": self.rows, "stopping": stopping})
        with naming(self._file), replace_file(self._file) as partial, partial.open("wb") as file:
            np.savez(file, state=np.array(state), **arrays)

    def _restore(self) -> None:
        try:
            with self._file.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                state = json.loads(str(saved["state"]))
                values = [saved[f"variable_{index}"] for index in range(len(self._variables))]
                best = [saved[f"best_{index}"] for index in range(len(saved.files) - len(values) - 1)]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            print(f"train: `{self._file}` is not whole; training starts anew")
            return
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        self.rows = state["rows"]
        if self._stopping:
            self._stopping.restored, self._stopping.restored_weights = state["stopping"], best
        print(f"train: goes on after epoch {len(self.rows)}, from `{self._file}`")
