"""Reads `params.yaml` once, as DVC does, into typed, validated models, and refuses what it does not know.

All of it is checked, whichever stage asks: so the first stage that runs reports every mistake, including those that
concern a later stage only.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from ruamel.yaml import YAML, YAMLError

from stages.core.errors import PipelineError
from stages.core.params.sections import AttackParams, CompareParams, DataParams, RegionParams, SampleParams, TrainParams
from stages.core.params.sections import RecognizerParams as RecognizerParams
from stages.core.params.validation import validate
from stages.core.params.variants import Acting as Acting
from stages.core.params.variants import Variant, check_variants, read_variant
from stages.core.paths import PARAMS_FILE, RAW


class Params(BaseModel):
    """All of `params.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DataParams
    sample: SampleParams
    regions: RegionParams
    variants: Annotated[dict[Any, Any], Field(min_length=1), AfterValidator(check_variants)]
    datasets: Annotated[list[str], Field(min_length=1)]
    train: TrainParams
    attack: AttackParams
    compare: CompareParams

    @field_validator("datasets")
    @classmethod
    def _check_datasets(cls, names: list[str], info: ValidationInfo) -> list[str]:
        if "variants" not in info.data:
            return names  # they are wrong, and say so
        allowed = [RAW, *info.data["variants"]]
        if RAW not in names or len(set(names)) < len(names) or not set(names) <= set(allowed):
            raise ValueError(f"{RAW} and any of {', '.join(allowed[1:])}, each once")
        return names

    def require_classes(self, stage: str) -> "Params":
        """Return the parameters, for a stage that learns classes or attacks what learned them."""
        if not self.data.has_classes:
            raise PipelineError(
                f"`{stage}` is left out, as it needs `data.classes: folders`; received: none; `dvc repro anonymize` is "
                "the whole pipeline"
            )
        return self

    def variant(self, name: str) -> Variant:
        """Return the variant called `name`, with its method looked up."""
        if name not in self.variants:
            raise PipelineError(f"`variants` has no `{name}`; allowed: {', '.join(self.variants)}")
        return read_variant(name, self.variants[name])


def load_params(file: Path = PARAMS_FILE) -> Params:
    """Read and check all of `params.yaml`."""
    # DVC's own parser: others read `1e-3`, `010` or `on` as values that differ from those that DVC shows and compares.
    try:
        values = YAML(typ="safe").load(file.read_bytes())
    except FileNotFoundError:
        raise PipelineError(f"`{file}` is missing in this folder; run from the top of the repository") from None
    except YAMLError as error:
        reason = str(error).split("To suppress this check")[0]
        raise PipelineError(f"`{file}` is not valid YAML: {' '.join(reason.split())}") from None
    return validate(Params, values)
