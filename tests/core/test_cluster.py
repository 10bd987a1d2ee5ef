"""Work on real workers of a Dask cluster: the same bytes as with threads, and one line where something is wrong."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from stages.core.boxes import Box, write_boxes
from stages.core.cluster import map_on_cluster
from stages.core.datasets import Dataset, divide, write_part
from stages.core.errors import PipelineError
from stages.core.images import encode_image
from stages.core.kept import new_dataset
from stages.core.people import write_people
from stages.core.secret import load_secret
from tests.clones import ROOT
from tests.regions.models import write_yunet
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
    for split, count in (("train", 12), ("test", 3))
    for person in range(4)
    for number in range(count)
]
MAP = """
import sys
from stages.core.errors import run_stage
from stages.core.parallel import map_ordered

def stage():
    print(*map_ordered({function}, range(40), total=40, label="test"))

run_stage(stage)
"""


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, stack: ExitStack, folder: Path):
        self._stack, self._folder = stack, folder
        self.workers: list[subprocess.Popen] = []
        file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--scheduler-file", str(file), "--host", "127.0.0.1", "--port", "0")
        self.address = wait_for(lambda: file.exists() and file.read_text().partition('"address": "')[2].split('"')[0])

    def start_worker(self, *options: str, code: Path = ROOT) -> None:
        place = str(self._folder / f"worker{len(self.workers)}")
        options = (self.address, "--no-nanny", "--nthreads", "1", "--local-directory", place, *options)
        self.workers.append(self._start("worker", *options, code=code))

    def _start(self, *command: str, code: Path = ROOT) -> subprocess.Popen:
        log = self._stack.enter_context((self._folder / f"{command[0]}.log").open("a"))
        environment = os.environ | {"PYTHONPATH": str(code), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
        command = (sys.executable, "-m", "dask", *command, "--no-dashboard")
        process = subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


def wait_for(condition: Callable):
    end = time.monotonic() + 60
    while not (result := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return result


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


@pytest.fixture
def own_cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A cluster without workers so far, of which things may be killed."""
    with running(tmp_path_factory.mktemp("own"), workers=0) as made:
        yield made


def start(folder: Path, address: str | None, *command: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | ({"PIPELINE_CLUSTER": address} if address else {})
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True
    )


def run(folder: Path, address: str | None, *command: str) -> tuple[int, str, str]:
    with start(folder, address, *command) as process:
        output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def error_of(folder: Path, address: str | None, *command: str) -> str:
    """Return the one line with which a command ends."""
    code, output, errors = run(folder, address, *command)
    (line,) = errors.splitlines()
    assert code == 1 and line.startswith("error: ") and not output
    assert not list((folder / "data").glob("**/.cluster.*"))
    return line.removeprefix("error: ")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def images(workspace) -> Callable[..., Path]:
    """The function that writes images of four people, each with a red face, as `ingest` would."""

    def write(paths: list[str] = PATHS, part: int = 10, as_shards: bool = True) -> Path:
        folder = workspace(CHANGES)
        write_yunet(folder / "squares.onnx")
        boxes = {path: [Box(8, 8, 16, 16, "face")] for path in paths[::2]}
        for each in divide(paths, part):
            images = ((path, encode_image(portrait(path), Path(path))) for path in each.paths)
            write_part(folder / "data" / "raw", each.name, images, as_shard=as_shards)
        write_boxes(folder / "data" / "regions.csv", boxes)
        write_boxes(folder / "data" / "detections.csv", boxes)
        write_people({path: path.split("/id")[1].split("_")[0] for path in paths})
        return folder

    return write


def portrait(path: str) -> np.ndarray:
    person = int(path.split("/id")[1].split("_")[0])
    image = np.random.default_rng(person).integers(40, 216, (8, 8, 3)).repeat(5, axis=0).repeat(5, axis=1)
    image = np.clip(image + np.random.default_rng(len(path)).normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    image[8:24, 8:24] = 255, 0, 0
    return image


def assert_same_bytes_as_with_threads(folder: Path, cluster: Cluster, *stages: str) -> None:
    other = shutil.copytree(folder, folder.with_name(f"{folder.name}_threads"))
    for stage in stages:
        command = ("-m", *f"stages.{stage}".split())
        assert run(other, None, *command)[0] == 0
        assert run(folder, cluster.address, *command)[0] == 0
    assert contents(folder) == contents(other)


def test_files_are_the_same_bytes_as_with_threads(cluster, images):
    folder = images(as_shards=False)
    load_secret()
    assert_same_bytes_as_with_threads(folder, cluster, "anonymize blocking_merging", "anonymize dp_pix")


def test_boxes_shards_and_inputs_are_the_same_bytes_as_with_threads(cluster, images):
    assert_same_bytes_as_with_threads(images(), cluster, "detect", "anonymize faces", "extract faces")


@pytest.mark.parametrize("layout", ["files", "shards"])
def test_a_source_is_taken_in_with_the_same_bytes_as_with_threads(cluster, workspace, save_images, layout):
    folder = workspace({"data.source": "source", "data.layout": layout, "data.shard_images": 10})
    save_images(folder / "source", [path.replace("test/", "train/9") for path in PATHS])
    assert_same_bytes_as_with_threads(folder, cluster, "ingest", "ingest")


def test_attacks_find_the_same_as_with_threads(cluster, images):
    folder = images()
    load_secret()
    assert_same_bytes_as_with_threads(folder, cluster, "anonymize dp_pix", "attack dp_pix")


def test_networks_are_the_same_bytes_as_with_threads(cluster, workspace):
    folder = workspace()
    write_workspace(seeds=[0, 1], head=[8, 0.5])
    assert_same_bytes_as_with_threads(folder, cluster, "train raw")


def test_without_a_cluster_nothing_of_dask_is_imported(tmp_path):
    code = MAP.format(function="str") + "sys.exit(bool(sys.modules.keys() & {'dask', 'distributed', 'cloudpickle'}))"
    assert run(tmp_path, None, "-c", code)[0] == 0


def test_a_killed_worker_changes_no_byte(own_cluster, images):
    paths = [f"{split}/a/id{number % 4}_{number}.png" for split in ("train", "test") for number in range(300)]
    folder = images(paths, part=30)
    other = shutil.copytree(folder, folder.with_name(f"{folder.name}_threads"))
    own_cluster.start_worker()
    own_cluster.start_worker()
    with start(folder, own_cluster.address, "-m", "stages.anonymize", "gaussian_blur") as stage:
        wait_for(lambda: list(folder.glob("data/.gaussian_blur.*/t*/*.tar")))
        own_cluster.workers[0].kill()
        assert stage.wait() == 0
    assert run(other, None, "-m", "stages.anonymize", "gaussian_blur")[0] == 0
    assert contents(folder) == contents(other)


@pytest.mark.parametrize("is_sharded", [False, True])
def test_a_part_that_two_workers_make_is_whole_and_kept_for_the_next_run(workspace, is_sharded):
    workspace()
    made, images = [], [("train/a/1.png", b"1"), ("train/b/2.png", b"2")]
    for _ in range(2):
        with new_dataset(Path("data/new"), is_sharded=is_sharded) as new:
            for _ in range(2):
                made.append(new.make_part("train/shard-000000", lambda: images, "{} {}".format, lambda _, one: one))
        assert [(path, Dataset(Path("data/new")).read(path)) for path in dict(images)] == images
        assert sorted(file.name for file in Path("data").iterdir()) == [".partial", "new"]
    assert made == [2, 2, 0, 0]


def test_a_killed_scheduler_ends_the_stage_in_one_line_and_nothing_is_left(own_cluster, images):
    paths = [f"{split}/a/id{number % 4}_{number}.png" for split in ("train", "test") for number in range(300)]
    folder = images(paths, as_shards=False)
    before = contents(folder)
    own_cluster.start_worker()
    with start(folder, own_cluster.address, "-m", "stages.anonymize", "gaussian_blur") as stage:
        wait_for(lambda: list(folder.glob("data/.gaussian_blur.*/t*/a/*.png")))
        own_cluster.scheduler.kill()
        _, errors = stage.communicate(timeout=60)
    assert stage.returncode == 1
    assert errors.splitlines()[-1].startswith("error: ") and own_cluster.address in errors
    own_cluster.workers[0].wait(timeout=60)
    assert contents(folder) == before


def test_an_interrupted_stage_ends_its_tasks_and_leaves_nothing(cluster, images):
    folder = images([f"{split}/a/id0_{number}.png" for split in ("train", "test") for number in range(300)], part=600)
    before = contents(folder)
    with start(folder, cluster.address, "-m", "stages.anonymize", "gaussian_blur") as stage:
        wait_for(lambda: list(folder.glob("data/.gaussian_blur.*/*/t*/*.tar")))
        stage.send_signal(signal.SIGTERM)
        output, errors = stage.communicate(timeout=20)
    assert stage.returncode == 128 + signal.SIGTERM
    assert errors.startswith("interrupted: ") and errors.count("\n") == 1
    assert run(folder, cluster.address, "-c", MAP.format(function="str"))[0] == 0  # workers are free again
    assert contents(folder) == before


def test_a_task_that_kills_its_workers_ends_the_stage_in_one_line(own_cluster, tmp_path):
    own_cluster.start_worker()
    own_cluster.start_worker()
    error = error_of(
        tmp_path, own_cluster.address, "-c", MAP.format(function="lambda number: number or __import__('os')._exit(1)")
    )
    assert error.startswith("a worker must live until its task is done; 2 died of the same one, the last at tcp://")


def test_errors_arrive_as_with_threads(cluster, images):
    folder = images()
    broken = next((folder / "data/raw/train").glob("*.tar"))
    broken.write_bytes(bytes(broken.stat().st_size))
    command = ("-m", "stages.anonymize", "gaussian_blur")
    assert error_of(folder, cluster.address, *command) == error_of(folder, None, *command)
    code, _, errors = run(folder, cluster.address, "-c", MAP.format(function="lambda number: 1 // (number - 3)"))
    assert code == 1 and errors.rstrip().endswith("ZeroDivisionError: integer division or modulo by zero")


@pytest.mark.parametrize("address", ["", "localhost:8786", "tcp://localhost", "http://localhost:8786", "tcp://a\n:1"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(PipelineError) as caught:
        next(map_on_cluster(str, [1], address=address, total=1, most=1))
    assert str(caught.value) == (
        f"`PIPELINE_CLUSTER` must be the address of a Dask scheduler, such as tcp://host:8786; received: {address!r}"
    )


def test_a_scheduler_that_does_not_answer_is_named_soon(tmp_path):
    error = error_of(tmp_path, "tcp://127.0.0.1:1", "-c", MAP.format(function="str"))
    assert error.startswith("`PIPELINE_CLUSTER` must name a Dask scheduler that runs; received: tcp://127.0.0.1:1 (")


@pytest.mark.parametrize(("protocol", "must_be_encrypted"), [("tls", "False"), ("tcp", "True")])
def test_what_dask_is_not_configured_for_is_refused(tmp_path, monkeypatch, protocol, must_be_encrypted):
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION", must_be_encrypted)
    error = error_of(tmp_path, f"{protocol}://127.0.0.1:1", "-c", MAP.format(function="str"))
    assert error.startswith("`PIPELINE_CLUSTER` must be tls:// with certificates ")
    assert error.endswith(f"is not set; received: {protocol}://127.0.0.1:1")


def test_a_scheduler_without_workers_is_named(own_cluster, tmp_path):
    code = "from stages.core import cluster; cluster._PATIENCE = 1" + MAP.format(function="str")
    error = error_of(tmp_path, own_cluster.address, "-c", code)
    assert error == f"`PIPELINE_CLUSTER` must have workers; received: {own_cluster.address} without any for 1 seconds"


def copy_of_the_code(folder: Path) -> Path:
    shutil.copytree(ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_a_worker_with_other_code_is_refused(own_cluster, tmp_path, tmp_path_factory):
    code = copy_of_the_code(tmp_path_factory.mktemp("code"))
    with (code / "stages/methods/mask.py").open("a") as file:
        file.write("# changed\n")
    own_cluster.start_worker(code=code)
    error = error_of(tmp_path, own_cluster.address, "-c", MAP.format(function="str"))
    assert re.fullmatch(
        r"the worker at tcp://\S+ must have the code, versions and processor of this process; "
        r"received: another stages/; start it anew with the same",
        error,
    )


def test_a_worker_whose_code_changed_since_it_was_started_is_refused(own_cluster, tmp_path, tmp_path_factory):
    code = copy_of_the_code(tmp_path_factory.mktemp("code"))
    own_cluster.start_worker(code=code)
    assert run(tmp_path, own_cluster.address, "-c", MAP.format(function="str"))[0] == 0
    (code / "stages/methods/mask.py").write_text("")
    assert "another stages/" in error_of(tmp_path, own_cluster.address, "-c", MAP.format(function="str"))


def test_a_worker_without_the_code_is_refused(own_cluster, tmp_path):
    own_cluster.start_worker(code=tmp_path)
    error = error_of(tmp_path, own_cluster.address, "-c", MAP.format(function="str"))
    assert error == (
        "`PIPELINE_CLUSTER` must have workers with the same code as this process; "
        "received: ModuleNotFoundError: No module named 'stages'"
    )


def test_a_worker_with_two_threads_is_refused(own_cluster, tmp_path):
    own_cluster.start_worker("--nthreads", "2")
    error = error_of(tmp_path, own_cluster.address, "-c", MAP.format(function="str"))
    assert re.fullmatch(r"the worker at tcp://\S+ must have one thread; received: 2; start it with --nthreads 1", error)
