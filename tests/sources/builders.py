"""Files of a source, params and results as the tests of several modules need them."""

from pathlib import Path

from stages.core.params import DataParams, RegionParams, load_params
from stages.sources.files import Origin, SourceFile
from stages.sources.outcomes import Outcome
from stages.sources.regions import Region
from tests.clones import ROOT

PARAMS = load_params(ROOT / "params.yaml")
SOURCE = Path("source")
DEFAULTS = PARAMS.data.model_copy(update={"source": "source"})


def data(**changes) -> DataParams:
    return DEFAULTS.model_copy(update=changes)


def file(path: str) -> SourceFile:
    """Return a file of a source; its path begins with a slash where the source has no split."""
    return SourceFile(path, Origin("source", path.split("/")[0]))


def put(*paths: str) -> Path:
    """Make files that hold their paths in `source`, and folders where a path ends with a slash; return `source`."""
    for path in paths:
        (SOURCE / path[: path.rfind("/") + 1]).mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            (SOURCE / path).write_bytes(path.encode())
    return SOURCE


def numbered(folder: str, count: int) -> list[SourceFile]:
    return [file(f"{folder}/{number:04}.png") for number in range(count)]


def taken(path: str, pixel_hash: str = "", **values) -> Outcome:
    return Outcome(file(path), path, pixel_hash.encode(), **values)


def region_params(**changes) -> RegionParams:
    return PARAMS.regions.model_copy(update=changes)


def region(x: float, y: float, width: float, height: float, label: str = "", line: int = 2, **more) -> Region:
    fields = {"score": None, "unit": "pixels", "entry": f"`source/regions.csv`, line {line}"} | more
    return Region("", x, y, width, height, label, **fields)
