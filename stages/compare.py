"""Puts all data sets side by side: `metrics/report.html`, `metrics/comparison.csv`, `.xlsx` and `.md`, the
privacy-utility frontier, learning curves and a gallery picture.
"""

from pathlib import Path

import pandas as pd

from stages.core.errors import run_stage
from stages.core.executor import finish
from stages.core.frontier import efficient_variants, recommend
from stages.core.gallery import join_gallery, shown_datasets
from stages.core.images import replace_file, write_file, write_image
from stages.core.params import RAW, load_params
from stages.core.scores import (
    accuracy_interval,
    correct_predictions,
    identity_interval,
    privacy_row,
    read_privacy,
    read_utility,
    utility_row,
)
from stages.report.content import page_content
from stages.report.page import render_page
from stages.report.plots import draw_frontier
from stages.report.series import frontier_points, joined_confusions, learning_curves
from stages.report.tables import to_markdown, to_terminal, to_xlsx

METRICS = Path("metrics")


def comparison_table(datasets: list[str]) -> pd.DataFrame:
    """Compute the table of all data sets.

    Parameters
    ----------
    datasets : list of str
        ``raw`` and variants.

    Returns
    -------
    pandas.DataFrame
        One row a data set: whether it is an efficient variant, the metrics, the bounds of the 95 % intervals, and a
        column ``class <name>`` with the accuracy on each class.
    """
    raw = read_utility(RAW)
    rows = []
    for dataset in datasets:
        scores = read_utility(dataset)
        correct = correct_predictions(scores)
        low, high = accuracy_interval(correct)
        by_class = pd.Series(correct.mean(axis=0)).groupby(pd.Series(scores["labels"])).mean()
        rows.append(
            {
                "dataset": dataset,
                **utility_row(scores, raw),
                **_privacy_columns(dataset),
                "accuracy_low": low,
                "accuracy_high": high,
                **{f"class {name}": by_class[label] for label, name in enumerate(scores["classes"])},
            }
        )
    table = pd.DataFrame(rows).round(4)
    if "identity_accuracy" in table:
        table.insert(1, "efficient", efficient_variants(table))
    return table


def _privacy_columns(dataset: str) -> dict[str, float]:
    scores = read_privacy(dataset)
    row = privacy_row(scores)
    if "identity" in scores:
        row["identity_low"], row["identity_high"] = identity_interval(scores)
    return row


def compare() -> None:
    """Write all that compares the data sets."""
    params = load_params()
    table = comparison_table(params.datasets)
    curves = learning_curves(params.datasets)
    sentence = recommend(table, params.compare)
    write_file(METRICS / "comparison.csv", table.to_csv(index=False).encode())
    write_file(METRICS / "comparison.xlsx", to_xlsx(table))
    write_file(METRICS / "comparison.md", f"{to_markdown(table)}\n{sentence}\n".encode())
    write_file(METRICS / "frontier.png", draw_frontier(table, params.compare))
    for name, content in (
        ("curves", curves),
        ("confusions", joined_confusions(params.datasets)),
        ("frontier", frontier_points(table)),
    ):
        write_file(METRICS / f"{name}.csv", content.to_csv(index=False).encode())
    with replace_file(METRICS / "gallery.png") as partial:
        write_image(partial, join_gallery(shown_datasets(params)))
    write_file(METRICS / "report.html", render_page(**page_content(table, curves, sentence, params)))
    print(f"{to_terminal(table)}\n{sentence}")
    finish(f"compare: {len(table)} data sets into {METRICS}/report.html and comparison.{{csv,xlsx,md}}")


if __name__ == "__main__":
    run_stage(compare)
