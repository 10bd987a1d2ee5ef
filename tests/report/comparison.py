"""A comparison that is made by hand, for the tests of plots and of the recommendation."""

import numpy as np
import pandas as pd

from stages.core.params import load_params
from tests.clones import ROOT


def table(**variants):
    """Return a comparison: of each variant the accuracy and the share of images, and of people, that is named."""
    rows = [("raw", 0.9, 0.95)] + [(name, *values) for name, values in variants.items()]
    result = pd.DataFrame(rows, columns=["dataset", "accuracy", "named"])
    result["accuracy_drop"] = np.where(result["dataset"] == "raw", np.nan, 0.9 - result["accuracy"])
    result["people_named"], result["people_asked"] = result["named"], 10
    result["strongest_attack"], result["strongest_chance"] = "informed", 0.1
    for images, share in (("raw", 1), ("anonymized", 0.5)):
        result[f"accuracy_drop_{images}"] = share * result["accuracy_drop"]
    result["accuracy_anonymized"] = 0.95 * result["accuracy"]
    shares = ("accuracy", "accuracy_anonymized", "accuracy_drop_raw", "accuracy_drop_anonymized")
    for name, key in (*zip(shares, shares, strict=True), ("strongest", "named")):
        result[f"{name}_low"], result[f"{name}_high"] = result[key] - 0.02, result[key] + 0.02
    result.insert(1, "verdict", ["", *["refused"] * len(variants)])
    return result


def bounds():
    return load_params(ROOT / "params.yaml").compare.model_copy(update={"max_times_chance": 4})
