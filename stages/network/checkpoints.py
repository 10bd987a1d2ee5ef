"""Keeps the state of a training on disk, so that an interrupted one goes on after its last epoch with the same result.

The state lies in `data/.partial/`, since DVC deletes a stage's outputs before it runs it again, and goes when it ends.
"""

import json
import time
import zipfile
from pathlib import Path

import numpy as np

from stages.core.errors import naming
from stages.core.files import replace_file
from stages.network.variables import Network

# Saving takes at most this share of the time.
COST_SHARE = 0.03
# Assumed of the disk until a state was saved, in bytes a second.
_WRITE_SPEED = 100e6


class Checkpoint:
    """Saves the variables and learning curves of one training after an epoch, and restores them.

    Parameters
    ----------
    file : pathlib.Path
        Where; its name holds the training's key.
    network : Network
        What is trained.
    """

    def __init__(self, file: Path, network: Network):
        self._file, self._network = file, network
        self._cost = sum(variable.numpy().nbytes for variable in network.variables) / _WRITE_SPEED
        self._last = time.monotonic()

    def save(self, history: list[dict[str, float]], best: dict[str, np.ndarray]) -> None:
        """Save the state, if that takes a small share of the time since the last time.

        Parameters
        ----------
        history : list of dict
            A row an epoch.
        best : dict of str to numpy.ndarray
            The weights of the best epoch, where early stopping keeps them.
        """
        start = time.monotonic()
        if start - self._last < self._cost / COST_SHARE:
            return
        arrays = {f"variable_{index}": variable.numpy() for index, variable in enumerate(self._network.variables)}
        arrays |= {f"best_{path}": weights for path, weights in best.items()}
        with naming(self._file), replace_file(self._file) as partial, partial.open("wb") as file:
            np.savez(file, history=np.array(json.dumps(history)), **arrays)
        self._last = time.monotonic()
        self._cost = self._last - start

    def restore(self) -> tuple[list[dict[str, float]], dict[str, np.ndarray]]:
        """Restore what was saved last into the network.

        Returns
        -------
        history : list of dict
            A row an epoch; empty if nothing was saved.
        best : dict of str to numpy.ndarray
            The weights of the best epoch.
        """
        variables = self._network.variables
        try:
            with self._file.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                history = json.loads(str(saved["history"]))
                values = [saved[f"variable_{index}"] for index in range(len(variables))]
                best = {name[5:]: saved[name] for name in saved.files if name.startswith("best_")}
        except FileNotFoundError:
            return [], {}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            print(f"train: `{self._file}` is not whole; training starts anew")
            return [], {}
        self._network.assign(values)
        print(f"train: goes on after epoch {len(history)}, from `{self._file}`")
        return history, best
