"""Removes data sets that do not belong to the present source and params, so that nobody publishes them.

Contact sheets mark a folder of `data/` as a variant's: they are written before it and removed after it.
"""

from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML

from stages.core.files import remove_folder
from stages.core.params import Params
from stages.core.paths import CONTACT, DATA, FIT, LOCK_FILE, PARAMS_FILE


def withdraw(variants: Iterable[str] | None = None) -> None:
    """Remove the images and contact sheets of some variants, or of all that there are; DVC has them in its cache."""
    for name in _made() if variants is None else variants:
        remove_folder(DATA / name)
        remove_folder(FIT / name)
        remove_folder(CONTACT / name)


def withdraw_changed() -> None:
    """Remove the data sets that `dvc.lock` says were made with other params, or of other images or regions."""
    # Whether the params are valid or not.
    files = PARAMS_FILE, LOCK_FILE
    values, lock = ((YAML(typ="safe").load(file) if file.is_file() else None) or {} for file in files)
    stages = lock.get("stages", {})
    outs = {out["path"]: out.get("md5") for stage in stages.values() for out in stage.get("outs", [])}
    for name in set(_made()) & set(values.get("variants") or ()):
        stage = stages.get(f"anonymize@{name}", {})
        made_with = stage.get("params", {}).get(str(PARAMS_FILE), {})
        if any(_value(values, key) != value for key, value in made_with.items()) or any(
            outs.get(dep["path"], dep.get("md5")) != dep.get("md5") for dep in stage.get("deps", [])
        ):
            withdraw([name])


def print_leftovers(stage: str, params: Params) -> None:
    """Name the data sets of variants that are not in `params.yaml` any more."""
    left = " ".join(f"{DATA / name} {FIT / name} {CONTACT / name}" for name in _made() if name not in params.variants)
    if left:
        print(f"{stage}: left of variants that are not in {PARAMS_FILE}, not to be published: rm -r {left}")


def _made() -> list[str]:
    return sorted(folder.name for folder in CONTACT.glob("[a-z]*"))


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values
