"""Says with which parameters, versions and processor the results were made."""

import io
from pathlib import Path

from ruamel.yaml import YAML

from stages.core.params import Params
from stages.results.scores import Privacy, Utility

_PATHS = (("data", "source"), ("regions", "file"), ("train", "weights"))


def settings_text(params: Params) -> str:
    """Return the params as YAML, with the last part alone of absolute paths, as the rest describes the machine."""
    values = params.model_dump(mode="json")
    for section, key in _PATHS:
        values[section][key] = _last_part(values[section][key])
    if recognizer := values["attack"]["recognizer"]:
        recognizer["model"] = _last_part(recognizer["model"])
    values["regions"]["detector"] = [_last_part(name) for name in values["regions"]["detector"]]
    text, writer = io.StringIO(), YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # its type is that of None
    writer.dump(values, text)
    return text.getvalue()


def _last_part(path: str | None) -> str | None:
    return f".../{Path(path).name}" if path is not None and Path(path).is_absolute() else path


def made_with(datasets: list[str], utility: list[Utility], privacy: list[Privacy]) -> list[tuple[str, str]]:
    """List what the results were made with: the steps, of which data sets if not of all, and versions and processor."""
    steps: dict[str, dict[str, list[str]]] = {}
    for dataset, learned, attacked in zip(datasets, utility, privacy, strict=True):
        for step, made in (*learned.made_with.items(), *attacked.made_with.items()):
            text = ", ".join(f"{key} {value}" for key, value in made.items())
            steps.setdefault(text, {}).setdefault(step, []).append(dataset)
    return [(_steps(named, datasets), text) for text, named in steps.items()]


def _steps(named: dict[str, list[str]], datasets: list[str]) -> str:
    groups: dict[str, list[str]] = {}
    for step, of in named.items():
        groups.setdefault("" if of == datasets else f" of {', '.join(of)}", []).append(step)
    return "; ".join(f"{', '.join(names)}{of}" for of, names in groups.items())
