"""Work on real workers of a Dask cluster: the same bytes as with threads, and one line where something is wrong."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path

import dask
import numpy as np
import pytest

from stages.attacks.recognition import Recognizer
from stages.core.boxes import Box, write_boxes
from stages.core.cluster import map_on_cluster
from stages.core.datasets import divide, write_part
from stages.core.errors import PipelineError
from stages.core.files import write_file
from stages.core.images import encode_image
from stages.core.masks import encode_mask
from stages.core.paths import DETECTIONS_FILE, RAW_FOLDER, REGIONS_FILE
from stages.core.people import write_people
from stages.core.secret import load_secret
from tests.clones import ROOT, contents
from tests.faults import message_of, wait_for
from tests.models import recognizer_model, write_yunet
from tests.training import write_workspace

CHANGES = {
    "variants.dp_pix": {"method": "dp_pix", "block_size": 4, "epsilon": 2.0, "neighbourhood": 1},
    "variants.faces": {"method": "gaussian_blur", "sigma": 2, "where": "regions"},
    "regions.detector": "squares.onnx",
    "regions.boxes": "both",
    "attack.image_size": 32,
    "attack.reconstruction_images": 10,
    "train.image_size": 32,
}
PATHS = [
    f"{split}/c{number % 2}/id{person}_{number}.png"
    for split, count in (("train", 6), ("test", 2))
    for person in range(4)
    for number in range(count)
]
MANY = [f"{split}/a/id{number % 4}_{number}.png" for split in ("train", "test") for number in range(300)]
BLUR = ("-m", "stages.anonymize", "gaussian_blur")


class Cluster:
    def __init__(self, stack: ExitStack, folder: Path, code: Path = ROOT):
        self._stack, self.folder = stack, folder
        self.workers: list[subprocess.Popen] = []
        file = folder / "scheduler.json"
        options = ("--scheduler-file", str(file), "--host", "127.0.0.1", "--port", "0")
        self.scheduler = self._start("scheduler", *options, code=code)
        self.address = wait_for(lambda: file.exists() and file.read_text().partition('"address": "')[2].split('"')[0])

    def start_worker(self, *options: str, code: Path = ROOT, **settings: str) -> None:
        place = str(self.folder / f"worker{len(self.workers)}")
        options = (self.address, "--no-nanny", "--nthreads", "1", "--local-directory", place, *options)
        self.workers.append(self._start("worker", *options, code=code, **settings))

    def kill_workers(self) -> None:
        for process in self.workers:
            process.kill()
            process.wait()

    def _start(self, *command: str, code: Path = ROOT, **settings: str) -> subprocess.Popen:
        log = self._stack.enter_context((self.folder / f"{command[0]}.log").open("a"))
        allowed = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
        environment = os.environ | allowed | {"PYTHONPATH": str(code)} | settings
        command = (sys.executable, "-m", "dask", *command, "--no-dashboard")
        process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@contextmanager
def running(folder: Path, workers: int) -> Iterator[Cluster]:
    with ExitStack() as stack:
        cluster = Cluster(stack, folder)
        for _ in range(workers):
            cluster.start_worker()
        yield cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster"), workers=2) as made:
        yield made


@pytest.fixture(scope="module")
def bare_scheduler(tmp_path_factory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("bare"), workers=0) as made:
        yield made


@pytest.fixture
def own_cluster(bare_scheduler) -> Iterator[Cluster]:
    """A cluster without workers so far, of which workers may be killed."""
    yield bare_scheduler
    bare_scheduler.kill_workers()


def start(folder: Path, address: str | None, *command: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | ({"PIPELINE_CLUSTER": address} if address else {})
    return subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def run(folder: Path, address: str | None, *command: str) -> tuple[int, str]:
    """Return a command's code and its last line on standard error."""
    with start(folder, address, *command) as process:
        _, errors = process.communicate(timeout=240)
    return process.returncode, (errors.splitlines() or [""])[-1]


def error_of(address: str, function: Callable = str) -> str:
    def work() -> None:
        list(map_on_cluster(lambda item, end_if_over: function(item), range(40), address=address, total=40, most=1))

    message = message_of(PipelineError, work)
    assert not list(Path("data").glob("**/.cluster.*"))
    return message


@pytest.fixture
def images(workspace) -> Callable[..., Path]:
    """The function that writes images of four people, each with a red face, as `ingest` would."""

    def write(paths: list[str] = PATHS, part: int = 10, as_shards: bool = True) -> Path:
        folder = workspace(CHANGES)
        write_yunet(folder / "squares.onnx")
        boxes = {path: [Box(8, 8, 16, 16, "face")] for path in paths[::2]}
        for each in divide(paths, part):
            images = ((path, encode_image(portrait(path), Path(path))) for path in each.paths)
            write_part(RAW_FOLDER, each.name, images, as_shard=as_shards)
        write_boxes(REGIONS_FILE, boxes)
        write_boxes(DETECTIONS_FILE, boxes)
        write_people({path: path.split("/id")[1].split("_")[0] for path in paths})
        load_secret()
        return folder

    return write


def portrait(path: str) -> np.ndarray:
    person = int(path.split("/id")[1].split("_")[0])
    image = np.random.default_rng(person).integers(40, 216, (8, 8, 3)).repeat(5, axis=0).repeat(5, axis=1)
    image = np.clip(image + np.random.default_rng(len(path)).normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    image[8:24, 8:24] = 255, 0, 0
    return image


def assert_same_bytes_as_with_threads(folder: Path, cluster: Cluster, *stages: str) -> None:
    local = shutil.copytree(folder, folder.with_name(f"{folder.name}_threads"))
    for stage in stages:
        name, *arguments = stage.split()
        code, line = run(folder, cluster.address, "-m", f"stages.{name}", *arguments)
        assert code == 0, line
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(local)
            getattr(import_module(f"stages.{name}"), name)(*arguments)
    assert contents(folder) == contents(local)


def test_shards_and_what_is_made_of_them_are_the_same_bytes_as_with_threads(cluster, images):
    stages = ("detect", "anonymize faces", "anonymize dp_pix", "extract faces", "attack dp_pix")
    assert_same_bytes_as_with_threads(images(), cluster, *stages)


def test_files_are_taken_in_and_anonymized_with_the_same_bytes_as_with_threads(cluster, workspace, save_images):
    masked = {"method": "mask", "value": 7, "where": "regions", "shape": "mask"}
    folder = workspace({"data.source": "source", "variants.masked": masked})
    paths = [path.replace("test/", "train/9") for path in PATHS]
    save_images(folder / "source", paths)
    for number, path in enumerate(paths[::2]):
        mask = np.random.default_rng(number).random((12, 16)) < 0.1
        write_file(folder / "source" / "masks" / path, encode_mask(mask))
    assert_same_bytes_as_with_threads(folder, cluster, "ingest", "ingest", "detect", "anonymize masked")
    assert len(list((folder / "data" / "masks").rglob("*.png"))) == len(paths[::2])


def test_workers_read_a_recognizer_anew(cluster, working_folder):
    recognizer, face = Recognizer(recognizer_model(16), size=16), np.full((1, 16, 16, 3), 90, np.uint8)
    points = map_on_cluster(
        lambda level, _: recognizer.embed(face + level), range(8), address=cluster.address, total=8, most=1
    )
    np.testing.assert_array_equal(list(points), [recognizer.embed(face + level) for level in range(8)])


def test_networks_are_the_same_bytes_as_with_threads(cluster, workspace):
    folder = workspace()
    write_workspace(seeds=[0], head=[8, 0.5], epochs=1)
    assert_same_bytes_as_with_threads(folder, cluster, "train raw")


def test_a_killed_worker_changes_no_byte(own_cluster, images):
    folder = images(MANY, part=30)
    local = shutil.copytree(folder, folder.with_name(f"{folder.name}_threads"))
    own_cluster.start_worker()
    own_cluster.start_worker()
    with start(folder, own_cluster.address, *BLUR) as stage:
        wait_for(lambda: list(folder.glob("data/.gaussian_blur.*/t*/*.tar")))
        own_cluster.workers[-1].kill()
        assert stage.wait() == 0
    assert run(local, None, *BLUR)[0] == 0
    assert contents(folder) == contents(local)


def test_a_killed_scheduler_ends_the_stage_in_one_line_and_nothing_is_left(tmp_path_factory, images):
    folder = images(MANY, as_shards=False)
    before = contents(folder)
    with running(tmp_path_factory.mktemp("killed"), workers=1) as cluster:
        with start(folder, cluster.address, *BLUR) as stage:
            wait_for(lambda: list(folder.glob("data/.gaussian_blur.*/t*/a/*.png")))
            cluster.scheduler.kill()
            _, errors = stage.communicate(timeout=60)
        cluster.workers[0].wait(timeout=60)
    assert stage.returncode == 1
    assert errors.splitlines()[-1].endswith(f"must name a Dask scheduler that goes on running; lost: {cluster.address}")
    assert contents(folder) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_tasks_of_a_killed_stage_end(cluster, images, number):
    folder = images(MANY, part=600)
    before = contents(folder)
    with start(folder, cluster.address, *BLUR) as stage:
        wait_for(lambda: list(folder.glob("data/.gaussian_blur.*/*/t*/*.tar")))
        stage.send_signal(number)
        stage.communicate(timeout=60)
    assert stage.returncode == {signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGKILL: -signal.SIGKILL}[number]
    list(map_on_cluster(lambda item, _: item, range(8), address=cluster.address, total=8, most=1))  # workers are free
    assert number == signal.SIGKILL or contents(folder) == before


def test_a_task_that_kills_its_workers_is_named(own_cluster, working_folder):
    own_cluster.start_worker()
    own_cluster.start_worker()
    error = error_of(own_cluster.address, lambda number: number or os._exit(1))
    assert error.startswith("a worker must live until its task is done; 2 died of the same one, the last at tcp://")


def test_errors_arrive_as_with_threads(cluster, images):
    folder = images()
    broken = next((folder / RAW_FOLDER / "train").glob("*.tar"))
    broken.write_bytes(bytes(broken.stat().st_size))
    code, line = run(folder, cluster.address, *BLUR)
    assert code == 1 and (code, line) == run(folder, None, *BLUR)
    assert ".png" in line and ".png" not in (cluster.folder / "worker.log").read_text()
    with pytest.raises(ZeroDivisionError):
        list(map_on_cluster(lambda item, _: 1 // (item - 3), range(9), address=cluster.address, total=9, most=1))


NO_ADDRESS, NO_TLS = "must be the address of a Dask scheduler", "must be tls:// with certificates "
UNREACHABLE = "must name a Dask scheduler that runs; received: tcp://127.0.0.1:1 ("
ADDRESSES = ["", "localhost:8786", "tcp://localhost", "http://localhost:8786", "tcp://a\n:1"]


@pytest.mark.parametrize(
    ("address", "encrypted", "expected"),
    [
        *((address, False, NO_ADDRESS) for address in ADDRESSES),
        ("tls://127.0.0.1:1", False, NO_TLS),
        ("tcp://127.0.0.1:1", True, NO_TLS),
        ("tcp://127.0.0.1:1", False, UNREACHABLE),
    ],
)
def test_a_scheduler_that_cannot_be_reached_is_named(working_folder, address, encrypted, expected):
    with dask.config.set({"distributed.comm.require-encryption": encrypted}):
        assert error_of(address).startswith(f"`PIPELINE_CLUSTER` {expected}")


def test_a_scheduler_without_workers_is_named(own_cluster, working_folder, monkeypatch):
    monkeypatch.setattr("stages.core.cluster._PATIENCE", 1)
    assert error_of(own_cluster.address).startswith("`PIPELINE_CLUSTER` must have workers; ")


def test_a_worker_that_may_give_other_results_is_refused(own_cluster, working_folder):
    code = working_folder / "code"
    shutil.copytree(ROOT / "stages", code / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    changed = code / "stages/methods/mask.py"
    own_cluster.start_worker(code=code)
    list(map_on_cluster(lambda item, _: item, range(8), address=own_cluster.address, total=8, most=1))
    changed.write_text("")
    for start_worker, expected in (
        (lambda: None, "another stages/: "),  # changed since the worker was started
        (lambda: own_cluster.start_worker(code=code), "another stages/: "),
        (lambda: own_cluster.start_worker("--nthreads", "2"), "another --nthreads: 2, not 1"),
        (lambda: own_cluster.start_worker(ONEDNN_MAX_CPU_ISA="AVX2"), "another ONEDNN_MAX_CPU_ISA: AVX2, not None"),
        (lambda: own_cluster.start_worker(code=working_folder), "No module named 'stages'"),
    ):
        start_worker()
        assert expected in error_of(own_cluster.address)
        own_cluster.kill_workers()


def test_a_scheduler_without_the_code_is_refused(working_folder):
    with ExitStack() as stack:
        cluster = Cluster(stack, working_folder, code=working_folder)
        cluster.start_worker()
        assert "must have a scheduler and workers with the same code" in error_of(cluster.address)
