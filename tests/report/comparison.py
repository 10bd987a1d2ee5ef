"""A small comparison, and bounds for it."""

import numpy as np
import pandas as pd

from stages.core.params import CompareParams


def table(**variants):
    """Return a comparison: of each variant the accuracy and the share of images, and of people, that is named."""
    rows = [("raw", 0.9, 0.95)] + [(name, *values) for name, values in variants.items()]
    result = pd.DataFrame(rows, columns=["dataset", "accuracy", "named"])
    result["accuracy_drop"] = np.where(result["dataset"] == "raw", np.nan, 0.9 - result["accuracy"])
    result["people_named"], result["people_asked"] = result["named"], 10
    result["strongest_attack"], result["strongest_chance"] = "informed", 0.1
    for name, key in (("accuracy", "accuracy"), ("accuracy_drop", "accuracy_drop"), ("strongest", "named")):
        result[f"{name}_low"], result[f"{name}_high"] = result[key] - 0.02, result[key] + 0.02
    result.insert(1, "verdict", ["", *["refused"] * len(variants)])
    return result


def bounds(drop=0.05, identity=0.25, times=4.0):
    return CompareParams(
        max_accuracy_drop=drop,
        max_identity_accuracy=identity,
        max_times_chance=times,
        gallery_images=1,
        show_images="auto",
    )
