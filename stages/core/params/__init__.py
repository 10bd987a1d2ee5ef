"""Reads `params.yaml` once into typed, validated models, and refuses what it does not know."""

from stages.core.params.detectors import CENTERFACE, GET_CENTERFACE, MTCNN, centerface_model
from stages.core.params.loading import Params, load_params
from stages.core.params.sections import AttackParams, CompareParams, DataParams, RegionParams, SampleParams, TrainParams
from stages.core.params.variants import Acting, Variant, method_names
from stages.core.paths import RAW

__all__ = [
    "CENTERFACE",
    "GET_CENTERFACE",
    "MTCNN",
    "RAW",
    "Acting",
    "AttackParams",
    "CompareParams",
    "DataParams",
    "Params",
    "RegionParams",
    "SampleParams",
    "TrainParams",
    "Variant",
    "centerface_model",
    "load_params",
    "method_names",
]
