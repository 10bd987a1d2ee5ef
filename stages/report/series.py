"""Joins what `dvc plots` draws over all data sets."""

from pathlib import Path

import pandas as pd

from stages.results.scores import read_utility

HISTORY = Path("data/scores/history")


def learning_curves(datasets: list[str]) -> pd.DataFrame:
    """Join the learning curves of all data sets.

    Parameters
    ----------
    datasets : list of str
        ``raw`` and variants.

    Returns
    -------
    pandas.DataFrame
        Columns dataset, images (training or validation), seed, epoch, loss, accuracy.
    """
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
    """Take from the comparison what `dvc plots` draws of privacy and utility.

    Parameters
    ----------
    table : pandas.DataFrame
        From `comparison_table`.

    Returns
    -------
    pandas.DataFrame
        Columns dataset, named (share of test images in which the strongest attack names the right person), named_low,
        named_high (empty where nobody is known), accuracy, accuracy_low and accuracy_high.
    """
    names = {"strongest_accuracy": "named", "strongest_low": "named_low", "strongest_high": "named_high"}
    columns = ["dataset", *names.values(), "accuracy", "accuracy_low", "accuracy_high"]
    return table.rename(columns=names).reindex(columns=columns)


def joined_confusions(datasets: list[str]) -> pd.DataFrame:
    """Join the confusion matrices of all data sets.

    Parameters
    ----------
    datasets : list of str
        ``raw`` and variants.

    Returns
    -------
    pandas.DataFrame
        Columns dataset, actual, predicted, and share: of the images of that class; pairs that never occur are left out.
    """
    tables = []
    for dataset in datasets:
        scores = read_utility(dataset)
        names = pd.Series(scores["classes"])
        actual = names[scores["labels"] * len(scores["predictions"])].to_numpy()
        predicted = names[sum(scores["predictions"], [])].to_numpy()
        shares = pd.DataFrame({"actual": actual, "predicted": predicted}).groupby("actual")["predicted"]
        table = shares.value_counts(normalize=True).rename("share").reset_index().assign(dataset=dataset)
        tables.append(table.sort_values(["actual", "predicted"]))
    return pd.concat(tables)[["dataset", "actual", "predicted", "share"]].round(4)
