"""Working folders and images for the tests of stages."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from stages.core.cells import CELL
from stages.core.images import write_image
from stages.core.people import write_groups, write_people
from tests.clones import ROOT, set_param
from tests.synthetic import INGEST, NAMED, PATHS, WRONG, privacy, utility, verdicts


@pytest.fixture(scope="session", autouse=True)
def one_thread_for_linear_algebra() -> Iterator[None]:
    """As in the pipeline, where each image has a thread of its own; more of them mostly wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """The function that makes a working folder with the repository's params, changed at full keys."""
    monkeypatch.chdir(tmp_path)

    def make(changes: dict | None = None) -> Path:
        shutil.copy(ROOT / "params.yaml", tmp_path)
        for key, value in (changes or {}).items():
            set_param(tmp_path, key, value)
        return tmp_path

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

    def make(
        changes: dict | None = None,
        people: bool = True,
        histories: dict | None = None,
        groups: dict[str, str] | None = None,
    ) -> Path:
        folder = workspace({"datasets": list(WRONG), **(changes or {})})
        for number, dataset in enumerate(WRONG):
            for kind, content in (
                ("utility", utility(WRONG[dataset])),
                ("privacy", privacy(NAMED[dataset] if people else None)),
            ):
                file = folder / "data" / "scores" / kind / f"{dataset}.json"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(content))
            history = folder / "data" / "scores" / "history" / f"{dataset}.csv"
            history.parent.mkdir(parents=True, exist_ok=True)
            history.write_text((histories or {}).get(dataset, "seed,epoch,accuracy,loss\n0,1,0.5,2\n0,2,0.75,1\n"))
            for images, shift in (("gallery", 20), ("restored", 30)):
                cell = np.full((CELL, CELL, 3), 50 * number + shift, np.uint8)
                if images == "gallery" or dataset != "raw":
                    write_image(folder / "data" / images / dataset / "00.png", cell)
        who = zip(PATHS, verdicts(0)["people"], strict=True)
        write_people({f"test/{path}": str(person) for path, person in who} if people else {})
        write_groups({f"test/{path}": group for path, group in (groups or {}).items()})
        (folder / "metrics").mkdir(exist_ok=True)
        (folder / "metrics" / "ingest.json").write_text(json.dumps(INGEST))
        return folder

    return make
