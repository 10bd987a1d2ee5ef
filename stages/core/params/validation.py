"""Checks values against a typed model, and says what is wrong in one line for each key."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, ValidationError

from stages.core.errors import PipelineError
from stages.core.paths import PARAMS_FILE

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
_SHOWN_CHARACTERS = 100


def _to_number(value: Any) -> Any:
    # Pydantic reads true as 1 and '7' as 7; to DVC, these are different values.
    if isinstance(value, (bool, str)):
        raise ValueError("a number")
    return value


def _to_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _check_words(words: list[str]) -> list[str]:
    if len(set(words)) < len(words) or not all(word and word.isprintable() for word in words):
        raise ValueError("a list of words, each of them once")
    return words


NUMBER = BeforeValidator(_to_number)
LIST = BeforeValidator(_to_list)  # one text stands for a list of it
Words = Annotated[list[str], Field(min_length=1), AfterValidator(_check_words), LIST]
Fraction = Annotated[float, Field(gt=0, lt=1), NUMBER]
Share = Annotated[float, Field(ge=0, le=1), NUMBER]
Seed = Annotated[int, Field(ge=0, lt=2**32), NUMBER]
Count = Annotated[PositiveInt, NUMBER]


class OwnWordsError(ValueError):
    """An error that is reported in its own words."""


class Section(BaseModel):
    """A mapping of keys, all of them known and all of them there."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def validate(model: type[BaseModel], values: Any, prefix: tuple[str, ...] = ()) -> Any:
    """Check values against a model."""
    if not isinstance(values, dict):
        raise PipelineError(
            f"`{'.'.join(prefix) or PARAMS_FILE}` must be a mapping of keys; received: {_shorten(values)}"
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise PipelineError("\n".join(_describe(model, item, prefix) for item in error.errors())) from None


def _describe(model: type[BaseModel], item: Any, prefix: tuple[str, ...]) -> str:
    if isinstance(error := item.get("ctx", {}).get("error"), OwnWordsError):
        return str(error)
    location = [part for part in item["loc"] if part != "[key]"]
    of_list = item["type"] != "invalid_key" and len(location) == len(item["loc"])
    parts = (f"[{part}]" if of_list and isinstance(part, int) else f".{part}" for part in (*prefix, *location))
    key = "".join(parts).removeprefix(".")
    if item["type"] == "extra_forbidden":
        owner: Any = model
        for part in location[:-1]:
            owner = owner.model_fields[part].annotation
        return f"`{key}` is not a parameter; allowed here: {', '.join(owner.model_fields)}"
    if item["type"] == "missing":
        return f"`{key}` is missing"
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    # Pydantic repeats the input after that.
    message = message.split(", got")[0]
    return f"`{key}` must be {_ALLOWED.get(item['type'], message)}; received: {_shorten(item['input'])}"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
