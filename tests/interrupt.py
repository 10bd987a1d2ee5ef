"""Kills `dvc repro` at random moments, lets it go on, and compares what comes out with an undisturbed run.

Run as ``python -m tests.interrupt --kills 50``. A whole run is killed again and again until it ends by itself; then its
`dvc.lock`, its metrics and the names of all its files must be those of the undisturbed one.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.clones import ENVIRONMENT, commit, make_clone, run, shrink_networks
from tests.faults import wait_for

SETTINGS = {
    "sample.train_images": 16,
    "sample.test_images": 8,
    "sample.size": 32,
    "variants": {
        "gaussian_blur": {"method": "gaussian_blur", "sigma": 2},
        "faces": {"method": "mask", "value": 0, "where": "regions"},
    },
    "datasets": ["raw"],
    "train.head": [16, 0.5],
    "train.epochs": 30,
    "train.batch_size": 8,
    "attack.image_size": 32,
    "attack.reconstruction_images": 10,
}
# To everything that runs, as a terminal does; to `dvc repro` alone, as `kill` does.
KINDS = [
    ("Ctrl-C", signal.SIGINT, True),
    ("SIGTERM", signal.SIGTERM, True),
    ("kill -9", signal.SIGKILL, True),
    ("SIGTERM to dvc alone", signal.SIGTERM, False),
    ("kill -9 of dvc alone", signal.SIGKILL, False),
]
# DVC does not write its own files at once. What it says of a broken one, and which to remove, as the README says too.
BROKEN = {
    "dvc.lock' validation failed": "dvc.lock",
    "dvc.lock', YAML file structure is corrupted": "dvc.lock",
    "Unable to read RWLock-file": ".dvc/tmp/rwlock",
}
FAULTS = ["processes left", "tracebacks", "unequal runs"]
# A stage ends at the end of the step that it is in.
PATIENCE_SECONDS = 60


def results(folder: Path) -> dict[str, bytes]:
    """Return the bytes of `dvc.lock` and of the metrics, and the names alone of the files in `data/`."""
    kept = {file: file.read_bytes() for file in (folder / "metrics").rglob("*") if file.is_file()}
    kept[folder / "dvc.lock"] = (folder / "dvc.lock").read_bytes()
    kept |= {file: b"" for file in (folder / "data").rglob("*")}
    return {file.relative_to(folder).as_posix(): content for file, content in kept.items()}


def repro(folder: Path, targets: list[str], output: Path) -> subprocess.Popen:
    """Start `dvc repro` in a process group of its own."""
    with output.open("wb") as file:
        return subprocess.Popen(
            ["dvc", "repro", *targets], cwd=folder, env=ENVIRONMENT, stdout=file, stderr=file, start_new_session=True
        )


def interrupt(process: subprocess.Popen, number: int, to_all: bool) -> bool:
    """Send a signal, and return whether no process of the group is left after a while."""
    with contextlib.suppress(ProcessLookupError):
        if to_all:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    process.wait(PATIENCE_SECONDS)
    try:
        wait_for(lambda: os.killpg(process.pid, 0), PATIENCE_SECONDS)
    except ProcessLookupError:
        return True
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
    return False


def interrupt_runs(folder: Path, kills: int, seed: int, targets: list[str]) -> Counter:
    """Kill as often as told, over as many whole runs as it takes, and count what came of it."""
    make_clone(folder / "clone", SETTINGS)
    shrink_networks(folder / "clone")
    commit(folder / "clone", "Tiny data set")
    shutil.copytree(folder / "clone", folder / "undisturbed")
    start = time.monotonic()
    run(folder / "undisturbed", "dvc", "repro", *targets)
    longest = (time.monotonic() - start) / 2
    expected = results(folder / "undisturbed")
    draws, counts = random.Random(seed), Counter()
    work = folder / "interrupted"
    while counts["kills"] < kills:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder / "clone", work)
        while not _go_on(
            work, targets, draws.uniform(0.3, longest) if counts["kills"] < kills else None, draws, counts
        ):
            pass
        found = results(work)
        differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        counts["whole runs"] += 1
        counts["unequal runs"] += bool(differing)
        print(f"    whole run {counts['whole runs']}: {' '.join(['differs in', *differing]) if differing else 'equal'}")
    return counts


def _go_on(folder: Path, targets: list[str], seconds: float | None, draws: random.Random, counts: Counter) -> bool:
    """Run until the end, which gives True, or until the kill."""
    output = folder.with_suffix(".txt")
    process = repro(folder, targets, output)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        name, number, to_all = draws.choice(KINDS)
        counts["processes left"] += not interrupt(process, number, to_all)
        counts["kills"] += 1
        text = output.read_text(errors="replace")
        counts["tracebacks"] += "stages" in text.partition("Traceback")[2]
        started = [line for line in text.splitlines() if line.startswith("Running stage")]
        print(f"{counts['kills']:3} {name} after {seconds:.1f} s; {(started or ['before the first stage'])[-1]}")
        return False
    text = output.read_text(errors="replace")
    broken = next((file for words, file in BROKEN.items() if words in text), None)
    if broken:
        counts[f"broken {broken} removed"] += 1
        (folder / broken).unlink()
    elif code != 0:
        raise RuntimeError(f"a run that was not killed failed:\n{text}")
    return code == 0


def main() -> None:
    """Read the command line, and end with 1 if anything was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("targets", nargs="*", help="stages to run; default: all")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = interrupt_runs(Path(folder), arguments.kills, arguments.seed, arguments.targets)
    print(", ".join(f"{counts[name]} {name}" for name in sorted({*counts, *FAULTS})))
    sys.exit(any(counts[name] for name in FAULTS))


if __name__ == "__main__":
    main()
