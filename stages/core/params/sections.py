"""The sections of `params.yaml`, each a typed model."""

import re
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, field_validator

from stages.core.machine import processor_flags
from stages.core.params.detectors import Detectors, Thresholds
from stages.core.params.validation import NUMBER, Count, Fraction, Section, Seed, Share


def _check_layer(value: float) -> float:
    if value >= 1 and value.is_integer():
        return int(value)
    if not 0 < value < 1:
        raise ValueError("a number of units (1, 2, ...) or a dropout rate (above 0, below 1)")
    return value


# As Linux names it. Other processors with bfloat16 are slower in it than in float32: a ResNet50 took 1.6 times as long.
FAST_BFLOAT16 = "amx_bf16"
Layer = Annotated[float, NUMBER, AfterValidator(_check_layer)]


def _check_weights(value: str) -> str:
    try:
        if value == "imagenet" or Path(value, "model.json").is_file():
            return value
        if not value.endswith(".h5") or not Path(value).is_file():
            raise ValueError("null, imagenet or the path of a weights file (.h5) or folder (TensorFlow.js)")
        # Slow to import, and only needed here.
        import h5py

        h5py.File(value).close()
    except OSError as error:
        raise ValueError(f"a whole HDF5 file ({error})") from None
    return value


def _settle_precision(value: Any) -> Any:
    if value not in ("auto", "float32", "bfloat16"):
        raise ValueError("auto, float32 or bfloat16")
    return value if value != "auto" else "bfloat16" if FAST_BFLOAT16 in processor_flags() else "float32"


class DataParams(Section):
    """Which images, and how `ingest` takes them in."""

    source: Annotated[str, Field(min_length=1)]
    classes: Literal["folders", "none"]
    layout: Literal["files", "shards"]
    shard_images: Count
    follow_outside_links: StrictBool
    test_fraction: Fraction
    max_side: Annotated[int, Field(ge=8), NUMBER] | None
    max_per_class: Count | None
    max_pixels: Annotated[int, Field(ge=1, le=2**30), NUMBER]  # OpenCV reads no larger images
    image_format: Literal["png", "jpg", "keep"]
    max_rejected: Share
    rename: StrictBool
    identity_pattern: str | None
    group_pattern: str | None
    seed: Seed

    @property
    def has_classes(self) -> bool:
        """Whether there are classes to learn, so splits too; else photos are only anonymized."""
        return self.classes == "folders"

    @field_validator("identity_pattern", "group_pattern")
    @classmethod
    def _one_group(cls, pattern: str | None) -> str | None:
        try:
            groups = 1 if pattern is None else re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"a regular expression ({error})") from None
        if groups != 1:
            raise ValueError("a regular expression with exactly one group")
        return pattern


class RegionParams(Section):
    """Where people are: boxes from the source, from a detector, or both."""

    boxes: Literal["given", "detected", "both"]
    file: Annotated[str, Field(min_length=1)]
    unit: Literal["pixels", "normalized", "percent"]
    detector: Detectors
    threshold: Thresholds
    smallest_face: Annotated[int, Field(ge=12), NUMBER]
    max_side: Annotated[int, Field(ge=64), NUMBER] | None
    people_from_faces: StrictBool
    required: StrictBool


class SampleParams(Section):
    """The embedded data set."""

    train_images: Count
    test_images: Count
    size: Annotated[int, Field(ge=32, le=1024), NUMBER]
    variation: Share
    seed: Seed


class TrainParams(Section):
    """The network and its training."""

    image_size: Annotated[int, Field(ge=32, le=1024), NUMBER]
    weights: Annotated[str, AfterValidator(_check_weights)] | None
    backbone: Literal["frozen", "trainable"]
    head: list[Layer]
    epochs: Count
    batch_size: Count
    learning_rate: Annotated[float, Field(gt=0), NUMBER]
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"]
    validation_fraction: Annotated[float, Field(ge=0, lt=1), NUMBER]
    patience: Count | None
    seeds: Annotated[list[Seed], Field(min_length=1)]
    precision: Annotated[Literal["float32", "bfloat16"], BeforeValidator(_settle_precision)]

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a list of different seeds")
        return seeds


def _to_mean(value: Any) -> Any:
    values = value if isinstance(value, list) else [value] * 3
    if len(values) != 3 or not all(type(number) in (int, float) and isfinite(number) for number in values):
        raise ValueError("a number, or three, one for each channel")
    return values


class RecognizerParams(Section):
    """A face recognizer, and what it takes: (value - mean) * scale of each colour."""

    model: str
    size: Annotated[int, Field(ge=16, le=512), NUMBER]
    mean: Annotated[list[float], BeforeValidator(_to_mean)]
    scale: Annotated[float, Field(gt=0), NUMBER]
    channels: Literal["rgb", "bgr"]


def _to_recognizer(value: Any) -> Any:
    # A path alone is that of a model that takes what SFace takes.
    found = {"model": value, "size": 112, "mean": 0, "scale": 1, "channels": "rgb"} if isinstance(value, str) else value
    if found is None:
        return None
    if isinstance(found, dict) and found.keys() == RecognizerParams.model_fields.keys():
        model = str(found["model"])
        if model.endswith(".onnx") and Path(model).is_file():
            return found
    keys = ", ".join(RecognizerParams.model_fields)
    raise ValueError(f"null, the path of a face recognizer (.onnx), or a mapping of {keys}")


class AttackParams(Section):
    """What the attackers know and do."""

    effort: Literal["quick", "thorough"]
    image_size: Annotated[int, Field(ge=32, le=128, multiple_of=16), NUMBER]
    identity_images: Count
    reconstruction_images: Annotated[int, Field(ge=10), NUMBER]
    recognizer: Annotated[RecognizerParams | None, BeforeValidator(_to_recognizer)]
    seed: Seed


class CompareParams(Section):
    """What `compare` shows and recommends."""

    max_accuracy_drop: Share
    deployed_on: Literal["raw", "anonymized", "both"]
    max_identity_accuracy: Share
    max_times_chance: Annotated[float, Field(ge=1), NUMBER]
    gallery_images: Annotated[int, Field(ge=1, le=16), NUMBER]
    show_images: Literal["auto", "none", "anonymized", "all"]
