"""Writes the weights of networks by way of memory: HDF5 crashes the process that it runs in where a disk is full."""

from pathlib import Path

import h5py

from stages.core.files import write_file
from stages.core.network import keras

_KERAS = keras.src.saving.saving_lib


class _MemoryStore(_KERAS.H5IOStore):
    def _get_h5_file(self, path_or_io: Path, mode: str | None = None) -> h5py.File:
        return h5py.File(path_or_io, mode or self.mode, driver="core", backing_store=False)


def save_weights(model: keras.Model, file: Path) -> None:
    """Write a network's weights, the same bytes as `model.save_weights` does.

    Parameters
    ----------
    model : keras.Model
        The network.
    file : pathlib.Path
        A name that ends in .weights.h5; the file appears whole, or not at all.

    Raises
    ------
    OSError
        If the disk is full, or refuses for another reason.
    """
    store = _MemoryStore(file, mode="w")
    _KERAS._save_state(model, weights_store=store, assets_store=None, inner_path="", visited_saveables=set())
    store.h5_file.flush()
    content = store.h5_file.id.get_file_image()
    store.close()
    write_file(file, content)
