"""Files of a source, params and results as the tests of several modules need them."""

from collections.abc import Callable

import pytest

from stages.core.params import DataParams, load_params
from stages.sources.intake import Taken
from stages.sources.reading import Origin, SourceFile
from tests.clones import ROOT

DEFAULTS = load_params(ROOT / "params.yaml").data.model_copy(update={"source": "source"})


def data(**changes) -> DataParams:
    return DEFAULTS.model_copy(update=changes)


def file(path: str) -> SourceFile:
    """Return a file of a source; its path begins with a slash where the source has no split."""
    return SourceFile(path, Origin("source", path.split("/")[0]))


def numbered(folder: str, count: int) -> list[SourceFile]:
    return [file(f"{folder}/{number:04}.png") for number in range(count)]


def taken(path: str, pixel_hash: str = "", **others) -> Taken:
    return Taken(file(path), path, pixel_hash.encode(), **others)


def message_of(error: type[Exception], function: Callable, *arguments, **options) -> str:
    """Return what a call says that must fail."""
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    return str(caught.value)
