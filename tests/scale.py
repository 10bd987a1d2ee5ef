"""Measures how the pipeline and DVC scale with the number of images: ``python -m tests.scale --images 60000``.

In a clone, the real `dvc` runs `ingest`, `detect`, `anonymize` and `extract`, as files and as shards; then again with
nothing to do; then with one more image. Writes a section of `metrics/scale.md`, and leaves those of other numbers.
"""

import argparse
import platform
import re
import statistics
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from stages.core.machine import memory_bytes, processor_name, worker_count
from stages.core.params import load_params
from tests.clones import ROOT, StageRun
from tests.many_images import LEAST, add_image, copy_source, make_source
from tests.measured_clone import MeasuredClone, disk_use, made_anew

TABLE = Path("metrics/scale.md")
LAYOUTS = ("files", "shards")
VARIANTS = list(load_params(ROOT / "params.yaml").variants)


def measure(clone: MeasuredClone, rounds: int) -> dict[str, str]:
    """Run the benchmark where the source is made, and return the cells of the table."""
    source = disk_use(clone.source)
    first, usage = clone.repro()
    images = clone.images()
    stages = sorted(first[1:], key=lambda stage: clone.targets.index(stage.name))
    cells = {
        f"`{stage.name}`": f"{stage.seconds:.1f} s, {images / stage.seconds:,.0f}/s, {_mebibytes(usage[stage.name][1])}"
        for stage in stages
    }
    cells["all of these"] = _total(first, usage)
    cells["peak memory of DVC"] = _mebibytes(usage["dvc"][1])
    for command in ("repro", "status"):
        seconds = statistics.median(clone.time_nothing(command) for _ in range(rounds))
        cells[f"nothing to do: `dvc {command}`"] = f"{seconds:.1f} s"
    cells["on disk: the source"] = _disk_cell(*source)
    cells["on disk: `data/` and `.dvc/`"] = _disk_cell(*clone.disk_use())
    before = clone.files_of_raw()
    add_image(clone.source)
    again, usage = clone.repro()
    after = clone.files_of_raw()
    cells["one new image: `dvc repro`"] = _total(again, usage)
    cells["one new image: images made anew"] = _made_cell(again)
    cells["one new image: files of `data/raw` that changed"] = f"{len(after - before):,} of {len(after):,}"
    cells["images"] = f"{images:,}"
    return cells


def _made_cell(runs: list[StageRun]) -> str:
    made: Counter = Counter()
    for stage in runs:
        made[stage.name.partition("@")[0]] += made_anew(stage) or 0
    return ", ".join(f"{made[kind]:,} by `{kind}`" for kind in ("ingest", "anonymize", "extract"))


def _total(runs: list[StageRun], usage: dict[str, tuple[float, int]]) -> str:
    total = sum(stage.seconds for stage in runs)
    return f"{total:.1f} s, {total - sum(usage[stage.name][0] for stage in runs[1:]):.1f} s of it DVC"


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _disk_cell(size: int, files: int) -> str:
    return f"{size / 1e6:,.1f} MB, {files:,} files"


def section(columns: dict[str, dict[str, str]], command: str) -> str:
    """Write the cells of each layout side by side, as Markdown."""
    (images,) = {cells.pop("images") for cells in columns.values()}
    names = list(next(iter(columns.values())))
    packages = ", ".join(
        f"{name} {version(package)}"
        for name, package in (("DVC", "dvc"), ("NumPy", "numpy"), ("OpenCV", "opencv-python-headless"))
    )
    return "\n".join(
        [
            f"### {images} images",
            "",
            f"`python -m tests.scale {command}`: {worker_count()} threads of {processor_name()}, "
            f"{memory_bytes() / 1e9:.0f} GB of memory, Python {platform.python_version()}, {packages}. Of a stage: "
            "elapsed time with what DVC does for it, images a second, peak memory of its own process.",
            "",
            f"| | {' | '.join(columns)} |",
            f"| --- |{' ---: |' * len(columns)}",
            *(f"| {name} | {' | '.join(cells[name] for cells in columns.values())} |" for name in names),
            "",
        ]
    )


def write_section(text: str) -> None:
    """Put a section into the table in place of the one of the same number, in the order of numbers."""
    old = TABLE.read_text(encoding="utf-8") if TABLE.is_file() else ""
    by_heading = {
        part.partition("\n")[0]: part for part in [*re.split(r"^(?=### )", old, flags=re.MULTILINE)[1:], text]
    }
    sections = sorted(by_heading.values(), key=lambda part: int(part.split()[1].replace(",", "")))
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(f"{part.strip()}\n" for part in sections), encoding="utf-8")


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__.split("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--images", type=int, metavar="N", help=f"how many small images to make, {LEAST} or more")
    what.add_argument("--folder", type=Path, dest="source", help="a source to take in their place; it is copied")
    parser.add_argument("--layout", choices=[*LAYOUTS, "both"], default="both", help="(both)")
    parser.add_argument("--variants", default=",".join(VARIANTS), help=f"({','.join(VARIANTS)})")
    parser.add_argument("--rounds", type=int, default=3, help="how often DVC runs with nothing to do (3)")
    options = parser.parse_args(arguments)
    if unknown := set(options.variants.split(",")) - set(VARIANTS):
        parser.error(f"`--variants` must be of {', '.join(VARIANTS)}; received: {', '.join(sorted(unknown))}")
    if options.images is not None and options.images < LEAST:
        parser.error(f"`--images` must be {LEAST} or more; received: {options.images}")
    if options.source and not options.source.is_dir():
        parser.error(f"`--folder` must be a folder; received: {options.source}")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark in each layout, one after the other."""
    options, start = read_options(arguments), time.monotonic()
    variants = options.variants.split(",")
    layouts = list(LAYOUTS) if options.layout == "both" else [options.layout]
    columns = {}
    for layout in layouts:
        with tempfile.TemporaryDirectory(prefix="scale_") as folder:
            print(f"scale: {layout}, in {folder}", flush=True)
            clone = MeasuredClone(Path(folder), layout, variants)
            if options.source:
                copy_source(options.source, clone.source)
            else:
                make_source(clone.source, options.images, as_archives=layout == "shards")
            columns[layout] = measure(clone, options.rounds)
    source = "--folder FOLDER" if options.source else f"--images {options.images}"
    text = section(columns, f"{source} --layout {options.layout} --variants {options.variants}")
    write_section(text)
    print(f"\n{text}")
    seconds = time.monotonic() - start
    print(f"scale: {text.split()[1]} images in {' and '.join(layouts)}, written to {TABLE} ({seconds:.0f} s)")


if __name__ == "__main__":
    main()
