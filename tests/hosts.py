"""Compares a cluster of several hosts with threads: ``python -m tests.hosts``, as root, on Linux.

The hosts are network namespaces on one bridge that share the disk. Each has a worker, and the first has the scheduler
too. In half of the runs the last host is cut off while it works.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stages.core.datasets import divide, write_part
from stages.core.images import encode_image
from stages.core.paths import RAW_FOLDER, REGIONS_FILE
from tests.clones import ROOT, contents, set_param

HOSTS, PORT = 3, 8786
STAGES = ("anonymize blocking_merging", "extract blocking_merging")
PATHS = [f"{split}/{label}/{number}.png" for split in ("train", "test") for label in "ab" for number in range(150)]
NAME = f"pl{os.getpid() % 10_000}"


def ip(*arguments: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def hosts() -> Iterator[list[str]]:
    """Make hosts 10.77.0.1, 10.77.0.2, ... and give their names, which are also those of their cables."""
    names = [f"{NAME}h{number}" for number in range(HOSTS)]
    with ExitStack() as stack:
        ip("link", "add", f"{NAME}b", "type", "bridge")
        stack.callback(ip, "link", "del", f"{NAME}b")
        ip("link", "set", f"{NAME}b", "up")
        for number, name in enumerate(names, 1):
            ip("netns", "add", name)
            stack.callback(ip, "netns", "del", name)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", f"{NAME}b", "up")
            ip("-n", name, "address", "add", f"10.77.0.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", name, "link", "set", device, "up")
        yield names


def start(host: str, folder: Path, settings: dict[str, str], *command: str) -> subprocess.Popen:
    """Start Python on a host."""
    with (folder.parent / f"{host}.log").open("a") as log:
        line = ["ip", "netns", "exec", host, sys.executable, *command]
        environment = os.environ | {"PYTHONPATH": str(ROOT)} | settings
        return subprocess.Popen(line, cwd=folder, env=environment, stdout=log, stderr=log)


@contextmanager
def cluster(names: list[str], protocol: str, folder: Path, settings: dict[str, str]) -> Iterator[str]:
    """Start a scheduler and workers, and give the scheduler's address."""
    address = f"{protocol}://10.77.0.1:{PORT}"
    scheduler = ("scheduler", "--protocol", protocol, "--host", "10.77.0.1", "--port", str(PORT))
    worker = ("worker", address, "--no-nanny", "--nthreads", "1", "--memory-limit", "0")
    with ExitStack() as stack:
        for host, command in [(names[0], scheduler), *((name, worker) for name in names)]:
            process = start(host, folder.parent, settings, "-m", "dask", *command, "--no-dashboard")
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield address


def certificates(folder: Path) -> dict[str, str]:
    """Make a certificate for all, and return Dask's settings for it."""
    files = key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=pipeline -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)
    settings = {"CA_FILE": certificate}
    for role in ("CLIENT", "SCHEDULER", "WORKER"):
        settings |= {f"{role}__KEY": files[0], f"{role}__CERT": files[1]}
    return {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(file) for name, file in settings.items()}


def write_workspace(folder: Path) -> None:
    """Write params and `data/raw`, in shards of a few images."""
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    set_param(folder, "data.shard_images", 5)
    for part in divide(PATHS, 5):
        pixels = np.random.default_rng(len(part.name)).integers(0, 256, (192, 192, 3), np.uint8)
        images = ((path, encode_image(np.roll(pixels, len(path), 0), Path(path))) for path in part.paths)
        write_part(folder / RAW_FOLDER, part.name, images, as_shard=True)
    (folder / REGIONS_FILE).touch()


def run_stages(host: str, folder: Path, settings: dict[str, str], cut_off: str) -> None:
    """Run the stages, and cut a host off once the first of them has made something."""
    for stage in STAGES:
        with start(host, folder, settings, "-m", *f"stages.{stage}".split()) as process:
            while cut_off and process.poll() is None:
                if any(folder.glob("data/.blocking_merging.*/t*/*.tar")):
                    ip("link", "set", cut_off, "down")
                    cut_off = ""
                time.sleep(0.05)
        if process.returncode or cut_off:
            sys.exit(f"error: {stage} failed: {(folder.parent / f'{host}.log').read_text()[-2000:]}")


def main() -> None:
    """Print a line for each cluster."""
    if sys.platform != "linux" or os.geteuid() != 0:
        sys.exit("error: network namespaces need Linux and root")
    with TemporaryDirectory() as place, hosts() as names:
        top = Path(place)
        write_workspace(top / "source")
        shutil.copytree(top / "source", top / "threads")
        run_stages(names[0], top / "threads", {}, "")
        expected, tls = contents(top / "threads"), certificates(top)
        for protocol, cut_off in [("tcp", ""), ("tcp", names[-1]), ("tls", ""), ("tls", names[-1])]:
            folder = shutil.copytree(top / "source", top / f"{protocol}{cut_off}")
            settings, began = tls if protocol == "tls" else {}, time.monotonic()
            with cluster(names, protocol, folder, settings) as address:
                run_stages(names[0], folder, settings | {"PIPELINE_CLUSTER": address}, cut_off)
            if cut_off:
                ip("link", "set", cut_off, "up")
            result = "same" if contents(folder) == expected else "OTHER"
            print(
                f"{address} on {HOSTS} hosts, {'one cut off' if cut_off else 'none cut off'}: {result} bytes in "
                f"{len(expected)} files as with threads ({time.monotonic() - began:.0f} s)"
            )


if __name__ == "__main__":
    main()
