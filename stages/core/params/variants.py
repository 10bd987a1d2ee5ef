"""Checks an entry of `variants` against the signature of its method: a new method is one file and needs no list."""

import importlib
import inspect
import re
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictBool, create_model

from stages.core.errors import PipelineError, shown
from stages.core.params.validation import NUMBER, Section, Seed, Share, Words, validate
from stages.core.paths import INGEST_REPORT, OUTPUTS, REGIONS_REPORT

_METHODS_FOLDER = Path(__file__).parents[2] / "methods"
# Folders of `data/` and files of `metrics/` that are not a variant's.
_RESERVED_NAMES = (
    *(path.name for path in OUTPUTS),
    *(INGEST_REPORT.stem, REGIONS_REPORT.stem),
    *("null", "true", "false"),  # a list that names them would hold something else
)


class Acting(Section):
    """Where a variant acts; an entry of `variants` may leave out each of these keys."""

    where: Literal["image", "regions", "background"] = "image"
    labels: Words | None = None  # of the regions; None for all
    shape: Literal["ellipse", "box"] = "ellipse"
    grow: Annotated[float, Field(ge=0, le=4), NUMBER] = 0.3  # share of the box, added on each side
    feather: Share = 0.1  # of half the grown box: width of the soft edge
    side: Annotated[int, Field(ge=16, le=1024), NUMBER] = 128  # pixels, of the grown box as the method sees it


class Variant(BaseModel):
    """One entry of `variants`: a method, its arguments, where it acts, and the seed of public random draws."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    method: Callable[..., np.ndarray]
    arguments: dict[str, Any]
    acting: Acting
    seed: int | None

    def declared(self, name: str) -> Any:
        """Return what the method's module says of it with these arguments, for attackers who know the method."""
        function = getattr(sys.modules[self.method.__module__], name, None)
        return None if function is None else function(**self.arguments)

    @cached_property
    def needs_secret(self) -> bool:
        """Whether the method draws random numbers that protect people, so that nobody may be able to compute them."""
        return "secret_rng" in inspect.signature(self.method).parameters


def method_names() -> list[str]:
    """Return the names of the methods that there are, sorted."""
    return sorted(file.stem for file in _METHODS_FOLDER.glob("*.py") if not file.stem.startswith("_"))


def find_method(name: str) -> Callable[..., np.ndarray]:
    """Return the function `name` of the file ``stages/methods/<name>.py``."""
    return getattr(importlib.import_module(f"stages.methods.{name}"), name)


def read_variant(name: Any, entry: Any) -> Variant:
    """Check one entry of `variants`."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in _RESERVED_NAMES:
        raise PipelineError(
            f"a name in `variants` must be made of a-z, 0-9 and _, begin with a letter, and be none of "
            f"{', '.join(_RESERVED_NAMES)}; received: {shown(name)}"
            f"{'' if isinstance(name, str) else f', {type(name).__name__}'}"
        )
    method = entry.get("method") if isinstance(entry, dict) else None
    if method not in method_names():
        raise PipelineError(
            f"`variants.{name}.method` must be one of {', '.join(method_names())}; received: {method!r}"
        )
    arguments = validate(_arguments_model(method), entry, ("variants", name)).model_dump()
    acting = Acting(**{key: arguments.pop(key) for key in Acting.model_fields})
    _check_where(name, entry, acting)
    return Variant(
        method=find_method(arguments.pop("method")),
        acting=acting,
        seed=arguments.pop("seed", None),
        arguments=arguments,
    )


def _arguments_model(method: str) -> type[BaseModel]:
    fields: dict[str, Any] = {"method": (str, ...)}
    for argument in list(inspect.signature(find_method(method)).parameters.values())[1:]:
        if argument.name == "rng":
            fields["seed"] = (Seed, ...)
        elif argument.name == "secret_rng":
            continue
        elif argument.annotation is bool:
            fields[argument.name] = (StrictBool, ...)
        elif {argument.annotation, *get_args(argument.annotation)[:1]} & {int, float}:
            fields[argument.name] = (Annotated[argument.annotation, NUMBER], ...)
        else:
            fields[argument.name] = (argument.annotation, ...)
    fields |= {name: (field.annotation, field) for name, field in Acting.model_fields.items()}
    return create_model(f"{method} arguments", __base__=Section, **fields)


def _check_where(name: str, entry: dict, acting: Acting) -> None:
    of_regions = tuple(key for key in Acting.model_fields if key != "where")
    unused = {"image": of_regions, "background": ("side",), "regions": ()}[acting.where]
    for key in unused:
        if key in entry:
            raise PipelineError(
                f"`variants.{name}.{key}` has no meaning with `where: {acting.where}`; received: {entry[key]}"
            )
