"""Checks an entry of `variants` against its method's signature, read from the file: a method needs no list."""

import ast
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import annotated_types
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictBool, create_model

from stages.core.errors import PipelineError, printable
from stages.core.params.validation import NUMBER, OwnWordsError, Section, Seed, Share, Words, validate
from stages.core.paths import INGEST_REPORT, OUTPUTS, REGIONS_REPORT

_METHODS_FOLDER = Path(__file__).parents[2] / "methods"
# What the annotations of a method's arguments may be made of.
_ANNOTATIONS = {"Annotated": Annotated, "Literal": Literal, "np": np, "int": int, "float": float, "bool": bool} | {
    name: getattr(annotated_types, name) for name in ("Ge", "Gt", "Le", "Lt", "MultipleOf")
}
# Arguments that only some methods have, and what they say of the method.
_NEEDS = {"hole": "fills", "secret_rng": "needs_secret", "fitted": "needs_fit"}
# Folders of `data/` and files of `metrics/` that are not a variant's.
_RESERVED_NAMES = (
    *(path.name for path in OUTPUTS),
    *(INGEST_REPORT.stem, REGIONS_REPORT.stem),
    *("null", "true", "false"),  # a list that names them would hold something else
)


class Acting(Section):
    """Where a variant acts; an entry of `variants` may leave out any of these keys."""

    where: Literal["image", "regions", "background"] = "image"
    labels: Words | None = None  # of the regions; None for all
    # Circle and square show no aspect of the box; a mask is a silhouette.
    shape: Literal["ellipse", "box", "circle", "square", "mask"] = "ellipse"
    snap: Share = 0.0  # share of the image's longer side to whose multiples a box is enlarged; 0 for none
    grow: Annotated[float, Field(ge=0, le=4), NUMBER] = 0.3  # share of the box, added on each side
    feather: Share = 0.1  # of half the grown box: width of the soft edge
    side: Annotated[int, Field(ge=16, le=1024), NUMBER] = 128  # pixels, of the grown box as the method sees it


class Variant(BaseModel):
    """One entry of `variants`: a method's name, its arguments, where it acts, and the seed of public random draws."""

    model_config = ConfigDict(frozen=True)

    method: str
    arguments: dict[str, Any]
    acting: Acting
    seed: int | None = None
    fills: bool = False  # whether it fills regions from what is around them
    needs_secret: bool = False  # whether it draws random numbers that protect people, and that nobody may compute
    needs_fit: bool = False  # whether it looks at the whole data set first


def method_names() -> list[str]:
    """Return the names of the methods that there are, sorted."""
    return sorted(file.stem for file in _METHODS_FOLDER.glob("*.py") if not file.stem.startswith("_"))


def read_variant(name: Any, entry: Any) -> Variant:
    """Check one entry of `variants`."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in _RESERVED_NAMES:
        raise PipelineError(
            f"a name in `variants` must be made of a-z, 0-9 and _, begin with a letter, and be none of "
            f"{', '.join(_RESERVED_NAMES)}; received: {printable(name)}"
            f"{'' if isinstance(name, str) else f', {type(name).__name__}'}"
        )
    method = entry.get("method") if isinstance(entry, dict) else None
    if method not in method_names():
        raise PipelineError(
            f"`variants.{name}.method` must be one of {', '.join(method_names())}; received: {method!r}"
        )
    signature = _read_signature(_METHODS_FOLDER / f"{method}.py")
    values = validate(_entry_model(method, signature), entry, ("variants", name)).model_dump()
    given = {"method": values.pop("method"), "seed": values.pop("seed", None)}
    given |= {need: argument in (signature or ()) for argument, need in _NEEDS.items()}
    given["acting"] = Acting(**{key: values.pop(key) for key in Acting.model_fields})
    variant = Variant(**given, arguments=values)
    _check_where(name, entry, variant)
    return variant


def check_variants(entries: dict[Any, Any]) -> dict[Any, Any]:
    """Check all entries of `variants`."""
    mistakes = []
    for name, entry in entries.items():
        try:
            read_variant(name, entry)
        except PipelineError as error:
            mistakes.append(str(error))
    if mistakes:
        raise OwnWordsError("\n".join(mistakes))
    return entries


def _read_signature(file: Path) -> dict[str, Any] | None:
    """Read a method's arguments and annotations without importing it, so that a broken one stops only itself.

    None where they cannot be read: such a method fails when it is imported.
    """
    try:
        nodes = ast.parse(file.read_bytes()).body
        function = next(node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == file.stem)
        given = [(item.arg, ast.unparse(item.annotation)) for item in function.args.kwonlyargs if item.annotation]
        return {name: eval(annotation, {"__builtins__": {}}, _ANNOTATIONS) for name, annotation in given}  # noqa: S307
    except (SyntaxError, StopIteration, NameError):
        return None


def _entry_model(method: str, signature: dict[str, Any] | None) -> type[BaseModel]:
    fields: dict[str, Any] = {"method": (str, ...)}
    for name, annotation in (signature or {}).items():
        if name == "rng":
            fields["seed"] = (Seed, ...)
        elif name in _NEEDS:
            continue
        elif annotation is bool:
            fields[name] = (StrictBool, ...)
        elif {annotation, *get_args(annotation)[:1]} & {int, float}:
            fields[name] = (Annotated[annotation, NUMBER], ...)
        else:
            fields[name] = (annotation, ...)
    fields |= {name: (field.annotation, field) for name, field in Acting.model_fields.items()}
    base = Section if signature is not None else _Unchecked
    return create_model(f"{method} arguments", __base__=base, **fields)


class _Unchecked(BaseModel):
    model_config = ConfigDict(extra="allow")


def _check_where(name: str, entry: dict, variant: Variant) -> None:
    acting = variant.acting
    if variant.fills and acting.where != "regions":
        raise PipelineError(
            f"`variants.{name}.where` must be regions with `method: {entry['method']}`, which fills them from what is "
            f"around them; received: {acting.where}"
        )
    if variant.needs_fit and acting.where == "background":
        raise PipelineError(f"`variants.{name}.where` must be image or regions; received: background")
    # Pixels of the original on a soft edge, or in a corner, would tell people apart.
    of_whole_boxes = ("shape", "snap", "feather") if variant.needs_fit else ()
    unused = dict.fromkeys(of_whole_boxes, f"method: {entry['method']}`, which replaces boxes whole")
    of_regions = tuple(key for key in Acting.model_fields if key != "where")
    without_meaning = {"image": of_regions, "background": ("side",), "regions": ()}[acting.where]
    unused |= dict.fromkeys(without_meaning, f"where: {acting.where}`")
    for key in (key for key in entry if key in unused):
        raise PipelineError(f"`variants.{name}.{key}` has no meaning with `{unused[key]}; received: {entry[key]}")
