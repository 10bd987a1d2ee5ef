"""Joins what `dvc plots` draws over all data sets."""

import pandas as pd

from stages.core.paths import HISTORY
from stages.results.columns import exposure_of
from stages.results.scores import read_utility
from stages.results.utility import ACCURACIES, confusion_shares


def learning_curves(datasets: list[str]) -> pd.DataFrame:
    """Join the learning curves of all data sets."""
    tables = []
    for dataset in datasets:
        history = pd.read_csv(HISTORY / f"{dataset}.csv")
        for images, prefix in (("training", ""), ("validation", "val_")):
            if f"{prefix}loss" in history:
                curves = history[["seed", "epoch", f"{prefix}loss", f"{prefix}accuracy"]]
                curves = curves.set_axis(["seed", "epoch", "loss", "accuracy"], axis=1)
                tables.append(curves.assign(dataset=dataset, images=images))
    return pd.concat(tables)[["dataset", "images", "seed", "epoch", "loss", "accuracy"]]


def frontier_points(table: pd.DataFrame) -> pd.DataFrame:
    """Take from the comparison what `dvc plots` draws of privacy and accuracy: two rows a data set."""
    key, interval, _ = exposure_of(table)
    by = {"named": "naming", "linked": "linkage"}[key]
    points = table[["dataset", "verdict"]].assign(exposed_by=by)
    for end in ("", "_low", "_high"):
        points[f"exposed{end}"] = table.get(f"{interval}{end}" if end else key)
    parts = []
    for images, accuracy in ACCURACIES.items():
        ends = {f"accuracy{end}": table[f"{accuracy}{end}"] for end in ("", "_low", "_high")}
        parts.append(points.assign(**ends).assign(deployed_on=f"{images} images"))
    return pd.concat(parts)


def joined_confusions(datasets: list[str]) -> pd.DataFrame:
    """Join the confusion matrices of all data sets."""
    tables = []
    for dataset in datasets:
        scores = read_utility(dataset)
        names = pd.Index(scores.classes)
        shares = pd.DataFrame(confusion_shares(scores), names.rename("actual"), names.rename("predicted"))
        table = shares.stack().rename("share").reset_index().assign(dataset=dataset)
        tables.append(table[table["share"] > 0].sort_values(["actual", "predicted"]))
    return pd.concat(tables)[["dataset", "actual", "predicted", "share"]].round(4)
