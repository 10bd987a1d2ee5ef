"""Reads `params.yaml` once into typed, validated models, and refuses what it does not know.

The arguments of a variant are checked against the signature of its method, so a method is one file and no list of ours.
"""

import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    StrictBool,
    ValidationError,
    create_model,
    field_validator,
)

from stages.core.errors import PipelineError

PARAMS_FILE = Path("params.yaml")
RAW = "raw"
_METHODS_FOLDER = Path(__file__).parent.parent / "methods"
# Folders of `data/` and files of `metrics/` that are not a variant's.
_RESERVED_NAMES = (RAW, "sample", "features", "models", "scores", "gallery", "ingest")


def _to_number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number")
    if isinstance(value, str):  # YAML 1.1 takes `1e-4` for text, DVC's YAML 1.2 for a number
        try:
            return float(value)
        except ValueError:
            raise ValueError("a number") from None
    return value


def _check_layer(value: float) -> float:
    if value >= 1 and value.is_integer():
        return int(value)
    if not 0 < value < 1:
        raise ValueError("a number of units (1, 2, ...) or a dropout rate (above 0, below 1)")
    return value


_NUMBER = BeforeValidator(_to_number)
Fraction = Annotated[float, Field(gt=0, lt=1), _NUMBER]
Share = Annotated[float, Field(ge=0, le=1), _NUMBER]
Seed = Annotated[int, Field(ge=0, lt=2**32), _NUMBER]
Count = Annotated[PositiveInt, _NUMBER]
Layer = Annotated[float, _NUMBER, AfterValidator(_check_layer)]


# What is allowed, where pydantic's words do not fit into our sentence.
_ALLOWED = {
    "bool_type": "true or false",
    "dict_type": "a mapping of keys",
    "invalid_key": "a word",
    "list_type": "a list",
    "model_type": "a mapping of keys",
    "string_too_short": "a text, not empty",
    "string_type": "a text",
    "too_short": "not empty",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataParams(_Section):
    """Which images, and how `ingest` takes them in."""

    source: Annotated[str, Field(min_length=1)]
    test_fraction: Fraction
    max_side: Annotated[int, Field(ge=8), _NUMBER] | None
    max_per_class: Count | None
    max_pixels: Count
    image_format: Literal["png", "jpg"]
    max_rejected: Share
    identity_pattern: str | None
    seed: Seed

    @field_validator("identity_pattern")
    @classmethod
    def _one_group(cls, pattern: str | None) -> str | None:
        try:
            groups = 1 if pattern is None else re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"a regular expression ({error})") from None
        if groups != 1:
            raise ValueError("a regular expression with exactly one group")
        return pattern


class SampleParams(_Section):
    """The embedded data set."""

    train_images: Count
    test_images: Count
    size: Annotated[int, Field(ge=32, le=1024), _NUMBER]
    seed: Seed


class TrainParams(_Section):
    """The network and its training."""

    image_size: Annotated[int, Field(ge=32, le=1024), _NUMBER]
    weights: Annotated[str, Field(min_length=1)] | None
    backbone: Literal["frozen", "trainable"]
    head: list[Layer]
    epochs: Count
    batch_size: Count
    learning_rate: Annotated[float, Field(gt=0), _NUMBER]
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"]
    validation_fraction: Annotated[float, Field(ge=0, lt=1), _NUMBER]
    patience: Count | None
    seeds: Annotated[list[Seed], Field(min_length=1)]
    precision: Literal["float32", "bfloat16"]

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a list of different seeds")
        return seeds


class AttackParams(_Section):
    """What the attackers know and do."""

    image_size: Annotated[int, Field(ge=32, le=512), _NUMBER]
    identity_images: Count
    reconstruction_images: Annotated[int, Field(ge=10), _NUMBER]
    seed: Seed


class CompareParams(_Section):
    """What `compare` shows and recommends."""

    max_accuracy_drop: Share
    max_identity_accuracy: Share
    gallery_images: Annotated[int, Field(ge=1, le=32), _NUMBER]
    show_raw: StrictBool | None


class Variant(BaseModel):
    """One entry of `variants`: a method, its arguments, and the seed of a method that draws random numbers."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    method: Callable[..., np.ndarray]
    arguments: dict[str, Any]
    seed: int | None


class Params(BaseModel):
    """All of `params.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DataParams
    sample: SampleParams
    variants: Annotated[dict[str, Any], Field(min_length=1)]
    datasets: Annotated[list[str], Field(min_length=1)]
    train: TrainParams
    attack: AttackParams
    compare: CompareParams

    def variant(self, name: str) -> Variant:
        """Return the variant called `name`, with its method looked up.

        Raises
        ------
        PipelineError
            If `variants` has no such entry.
        """
        if name not in self.variants:
            raise PipelineError(f"`variants` has no `{name}`; allowed: {', '.join(self.variants)}")
        arguments = dict(_check_variant(name, self.variants[name]))
        return Variant(
            method=find_method(arguments.pop("method")), seed=arguments.pop("seed", None), arguments=arguments
        )


def method_names() -> list[str]:
    """Return the names of the methods that there are, sorted."""
    return sorted(file.stem for file in _METHODS_FOLDER.glob("*.py") if not file.stem.startswith("_"))


def find_method(name: str) -> Callable[..., np.ndarray]:
    """Return the function `name` of the file ``stages/methods/<name>.py``."""
    return getattr(importlib.import_module(f"stages.methods.{name}"), name)


def load_params(file: Path = PARAMS_FILE) -> Params:
    """Read and check all of `params.yaml`.

    Parameters
    ----------
    file : pathlib.Path, default=PARAMS_FILE
        The YAML file.

    Returns
    -------
    Params
        The checked parameters; a variant's numbers are as YAML gave them until `Params.variant` reads them.

    Raises
    ------
    PipelineError
        With one line for each key that is unknown, missing, of a wrong type or out of its range.
    """
    try:
        values = yaml.safe_load(file.read_bytes())
    except FileNotFoundError:
        raise PipelineError(f"`{file}` is missing in this folder; run from the top of the repository") from None
    except yaml.YAMLError as error:
        raise PipelineError(f"`{file}` is not valid YAML: {' '.join(str(error).split())}") from None
    variants = values.get("variants") if isinstance(values, dict) else None
    entries = variants if isinstance(variants, dict) else {}
    mistakes = []
    for name, entry in entries.items():
        try:
            if isinstance(name, str):
                _check_variant(name, entry)
        except PipelineError as error:
            mistakes.append(str(error))
    try:
        params = _validate(Params, values, ())
    except PipelineError as error:
        mistakes.insert(0, str(error))
    if mistakes:
        raise PipelineError("\n".join(mistakes))
    _check_datasets(params)
    return params


def _check_variant(name: str, entry: Any) -> dict[str, Any]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in _RESERVED_NAMES:
        raise PipelineError(
            f"a name in `variants` must be made of a-z, 0-9 and _, begin with a letter, and be none of "
            f"{', '.join(_RESERVED_NAMES)}; received: {name}"
        )
    method = entry.get("method") if isinstance(entry, dict) else None
    if method not in method_names():
        raise PipelineError(
            f"`variants.{name}.method` must be one of {', '.join(method_names())}; received: {method!r}"
        )
    return _validate(_arguments_model(method), entry, ("variants", name)).model_dump()


def _arguments_model(method: str) -> type[BaseModel]:
    fields: dict[str, Any] = {"method": (str, ...)}
    for argument in list(inspect.signature(find_method(method)).parameters.values())[1:]:
        if argument.name == "rng":
            fields["seed"] = (Seed, ...)
        elif argument.annotation is bool:
            fields[argument.name] = (StrictBool, ...)
        elif {argument.annotation, *get_args(argument.annotation)[:1]} & {int, float}:
            fields[argument.name] = (Annotated[argument.annotation, _NUMBER], ...)
        else:
            fields[argument.name] = (argument.annotation, ...)
    return create_model(f"{method} arguments", __base__=_Section, **fields)


def _check_datasets(params: Params) -> None:
    allowed = [RAW, *params.variants]
    for name in params.datasets:
        if name not in allowed:
            raise PipelineError(f"`datasets` may hold {', '.join(allowed)}; received: {name}")
    if RAW not in params.datasets or len(set(params.datasets)) < len(params.datasets):
        raise PipelineError(f"`datasets` must hold {RAW} and each name once; received: {', '.join(params.datasets)}")


def _validate(model: type[BaseModel], values: Any, prefix: tuple[str, ...]) -> Any:
    if not isinstance(values, dict):
        raise PipelineError(f"`{'.'.join(prefix) or PARAMS_FILE}` must be a mapping of keys; received: {values!r}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise PipelineError("\n".join(_describe(model, item, prefix) for item in error.errors())) from None


def _describe(model: type[BaseModel], item: Any, prefix: tuple[str, ...]) -> str:
    location = [part for part in item["loc"] if part != "[key]"]
    of_list = item["type"] != "invalid_key" and len(location) == len(item["loc"])
    parts = (f"[{part}]" if of_list and isinstance(part, int) else f".{part}" for part in (*prefix, *location))
    key = "".join(parts).removeprefix(".")
    if item["type"] == "extra_forbidden":
        owner = model
        for part in location[:-1]:
            owner = owner.model_fields[part].annotation
        return f"`{key}` is not a parameter; allowed here: {', '.join(owner.model_fields)}"
    if item["type"] == "missing":
        return f"`{key}` is missing"
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    # Pydantic goes on to say what it got.
    message = message.split(", got")[0]
    return f"`{key}` must be {_ALLOWED.get(item['type'], message)}; received: {item['input']!r}"
