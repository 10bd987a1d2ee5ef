"""Working folders and images for the tests of stages."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from tests.clones import ROOT, set_param
from tests.synthetic import WRONG, write_results


@pytest.fixture(scope="session", autouse=True)
def one_thread_for_linear_algebra() -> Iterator[None]:
    """As in the pipeline, where each image has a thread of its own; more of them mostly wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder, which is the working folder too."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def workspace(working_folder: Path) -> Callable[..., Path]:
    """The function that writes the repository's params, changed at full keys, into the working folder."""

    def make(changes: dict | None = None) -> Path:
        shutil.copy(ROOT / "params.yaml", working_folder)
        for key, value in (changes or {}).items():
            set_param(working_folder, key, value)
        return working_folder

    return make


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """The function that draws a small RGB image, another one for each seed."""

    def draw(seed: int = 0, height: int = 12, width: int = 16) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)

    return draw


@pytest.fixture
def save_images(noise: Callable[..., np.ndarray]) -> Callable[..., None]:
    """The function that saves a different image under each path of a folder."""

    def save(folder: Path, paths: list[str], first_seed: int = 0) -> None:
        for seed, path in enumerate(paths, first_seed):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(noise(seed)).save(folder / path)

    return save


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The function that makes folders of a name such that they cannot be listed, by root either."""

    def refuse(name: str) -> None:
        def unless_locked(listing: Callable) -> Callable:
            def listed(folder: Path | str | int):
                if str(folder).rpartition("/")[2] == name:
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
                return listing(folder)

            return listed

        monkeypatch.setattr(Path, "iterdir", unless_locked(Path.iterdir))
        monkeypatch.setattr(os, "scandir", unless_locked(os.scandir))

    return refuse


@pytest.fixture
def results(workspace: Callable[..., Path]) -> Callable[..., Path]:
    """The function that makes what `compare` reads."""

    def make(changes: dict | None = None, **options) -> Path:
        return write_results(workspace({"datasets": list(WRONG), **(changes or {})}), **options)

    return make


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, to be read only, of the same results after `compare`."""
    from stages.compare import compare  # it takes seconds

    folder = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shutil.copy(ROOT / "params.yaml", folder)
        set_param(folder, "datasets", list(WRONG))
        write_results(folder)
        compare()
    return folder
