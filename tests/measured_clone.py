"""A clone in which each process of DVC and of a stage tells how long it took, and how much memory."""

import json
import os
import re
import sys
import time
from pathlib import Path

import yaml

from tests.clones import ENVIRONMENT, StageRun, make_clone, repro_by_stage, run

UP_TO_DATE = "Data and pipelines are up to date"
# Python runs this at the start of each process, so that DVC and each stage tell their own peak. What `wait4` tells of
# a process counts its children's peak too, and that of the parent that it was forked from.
TELL = """
import atexit, json, os, re, resource, sys, time

def tell(start=time.perf_counter()):
    try:
        with open("/proc/self/status") as status:
            peak = int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read())[1]) * 1024
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS, in bytes
    with open(os.environ["SCALE_TOLD"], "a") as told:
        told.write(json.dumps([" ".join(sys.orig_argv), time.perf_counter() - start, peak]) + "\\n")

atexit.register(tell)
"""


class MeasuredClone:
    """A clone of the working tree, and beside it the source, in one folder."""

    def __init__(self, folder: Path, layout: str, variants: list[str]):
        self.clone, self.source = folder / "clone", folder / "source"
        self._told, self._site = folder / "told.txt", folder / "site"
        self.targets = ["ingest", "detect", *(f"anonymize@{name}" for name in variants), "extract@raw"]
        tellers = folder / "tellers"
        tellers.mkdir(parents=True)
        (tellers / "sitecustomize.py").write_text(TELL, encoding="utf-8")
        self._environment = ENVIRONMENT | {
            "PYTHONPATH": os.pathsep.join([str(tellers), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "SCALE_TOLD": str(self._told),
            "DVC_SITE_CACHE_DIR": str(self._site),  # a part of DVC's bookkeeping, which would stay behind
        }
        make_clone(self.clone, {"data.source": str(self.source), "data.layout": layout})

    def repro(self) -> tuple[list[StageRun], dict[str, tuple[float, int]]]:
        """Run `dvc repro`; return the runs, and the seconds and the peak in bytes that each process told."""
        self._told.unlink(missing_ok=True)
        runs = repro_by_stage(self.clone, *self.targets, environment=self._environment)
        lines = [json.loads(line) for line in self._told.read_text(encoding="utf-8").splitlines()]
        return runs, {_name_of(command): (seconds, peak) for command, seconds, peak in lines}

    def time_nothing(self, command: str) -> float:
        """Return how many seconds DVC needs to find that there is nothing to do."""
        start = time.perf_counter()
        output = run(self.clone, "dvc", command, *self.targets, environment=self._environment)
        seconds = time.perf_counter() - start
        if UP_TO_DATE not in output:
            sys.exit(f"`dvc {command}` must have nothing to do; it printed:\n{output}")
        return seconds

    def files_of_raw(self) -> set[tuple[str, str]]:
        """Return the files of `data/raw` as DVC lists them, each with its digest."""
        lock = yaml.safe_load((self.clone / "dvc.lock").read_text(encoding="utf-8"))
        digest = next(out["md5"] for out in lock["stages"]["ingest"]["outs"] if out["path"] == "data/raw")
        listed = self.clone / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        return {(file["relpath"], file["md5"]) for file in json.loads(listed.read_bytes())}

    def images(self) -> int:
        """Return how many images `ingest` wrote."""
        counts = json.loads((self.clone / "metrics/ingest.json").read_bytes())["images"]
        return sum(sum(split.values()) for split in counts.values())

    def disk_use(self) -> tuple[int, int]:
        """Return bytes and number of files of data/ and of what DVC keeps."""
        return disk_use(self.clone / "data", self.clone / ".dvc", self._site)


def _name_of(command: str) -> str:
    stage = re.search(r"-m stages\.(.+)", command)
    return stage[1].replace(" ", "@") if stage else "dvc"


def disk_use(*folders: Path) -> tuple[int, int]:
    """Return bytes and number of files, each counted once however many hard links it has."""
    sizes = {}
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                status = os.lstat(f"{parent}/{name}")
                sizes[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(sizes.values()), len(sizes)


def made_anew(stage: StageRun) -> int | None:
    """Return how many images a stage says that it made, and did not take over from its last run."""
    for line in stage.lines:
        if found := re.match(
            r"(?:ingest|anonymize|extract): \D*(\d+) .*?images\b(?:.*, (\d+) of them unchanged)?", line
        ):
            return int(found[1]) - int(found[2] or 0)
    return None
