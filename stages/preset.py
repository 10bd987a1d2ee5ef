"""Sets `params.yaml` to one of the presets in `stages/presets/`: a command, not a stage.

Hydra's composition, which DVC offers for this, writes `params.yaml` anew in each experiment and drops its comments.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.utils.serialize import dumps_yaml, load_yaml, parse_yaml_for_update

from stages.core.errors import PipelineError, run_stage
from stages.core.files import write_file
from stages.core.params import load_params
from stages.core.params.detectors import CENTERFACE, GET_CENTERFACE, MTCNN, centerface_model
from stages.core.paths import PARAMS_FILE

PRESETS = Path(__file__).parent / "presets"


def preset(name: str) -> None:
    """Set the params that a preset names, and leave all others, and all comments, as they are."""
    names = sorted(file.stem for file in PRESETS.glob("*.yaml"))
    if name not in names:
        raise PipelineError(f"a preset must be one of {', '.join(names)}; received: {name}")
    load_params()
    params = parse_yaml_for_update(PARAMS_FILE.read_text(encoding="utf-8"), PARAMS_FILE)
    wanted, warning = read_preset(name)
    changes = list(_set(params, wanted))
    write_file(PARAMS_FILE, dumps_yaml(params).encode())  # as `dvc exp run -S` writes it
    for key, old, new in changes:
        print(f"{key}: {old} -> {new}")
    if warning:
        print(f"preset: {warning}, then set the preset once more")
    print(f"preset: {len(changes)} params of {name} set in {PARAMS_FILE}; `dvc params diff` shows them")


def read_preset(name: str) -> tuple[Any, str]:
    """Return what a preset sets, without a detector whose model is not here, and a warning if so."""
    wanted = load_yaml(PRESETS / f"{name}.yaml")
    detectors = wanted.get("regions", {}).get("detector", [])
    if CENTERFACE not in detectors or centerface_model() is not None:
        return wanted, ""
    detectors.remove(CENTERFACE)
    return wanted, (
        f"without {CENTERFACE}, which finds many faces that {MTCNN} misses: `{GET_CENTERFACE}` brings its model"
    )


def _set(section: Any, values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and key != "variants":  # those of the preset take the place of all others
            yield from _set(section[key], value, f"{prefix}{key}.")
        elif section[key] != value:
            yield f"{prefix}{key}", _text(section[key]), _text(value)
            section[key] = value


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(value)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    run_stage(preset, *sys.argv[1:])
