"""Puts all data sets side by side: `metrics/report.html`, `metrics/comparison.csv`, `.xlsx` and `.md`, the
privacy-utility frontier, learning curves and a gallery picture.
"""

from pathlib import Path

import pandas as pd

from stages.core.errors import run_stage
from stages.core.files import replace_file, write_file
from stages.core.images import write_image
from stages.core.parallel import finish
from stages.core.params import RAW, load_params
from stages.report.content import page_content
from stages.report.page import render_page
from stages.report.plots import draw_frontier
from stages.report.recommendation import efficient_variants, protecting_variants, recommend
from stages.report.series import frontier_points, joined_confusions, learning_curves
from stages.report.tables import to_markdown, to_terminal, to_xlsx
from stages.results.gallery import join_gallery, shown_datasets
from stages.results.scores import (
    accuracy_drop_interval,
    accuracy_interval,
    commonest_class,
    correct_predictions,
    exposure,
    privacy_row,
    read_privacy,
    read_utility,
    utility_row,
)

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
        One row a data set: whether it is an efficient variant, the metrics, the bounds of the 95 % intervals, what the
        recommendation rests on, and a column ``class <name>`` with the accuracy on each class.
    """
    raw = read_utility(RAW)
    rows = []
    for dataset in datasets:
        scores = read_utility(dataset)
        privacy = read_privacy(dataset)
        correct = correct_predictions(scores)
        low, high = accuracy_interval(correct)
        drop_low, drop_high = accuracy_drop_interval(scores, raw)
        by_class = pd.Series(correct.mean(axis=0)).groupby(pd.Series(scores["labels"])).mean()
        rows.append(
            {
                "dataset": dataset,
                **utility_row(scores, raw),
                **privacy_row(privacy),
                "accuracy_low": low,
                "accuracy_high": high,
                "accuracy_drop_low": drop_low,
                "accuracy_drop_high": drop_high,
                "commonest_class": commonest_class(scores),
                **exposure(privacy),
                **{f"class {name}": by_class[label] for label, name in enumerate(scores["classes"])},
            }
        )
    table = pd.DataFrame(rows).round(4)
    if "identity_accuracy" in table:
        table.insert(1, "efficient", efficient_variants(table))
    return table


def compare() -> None:
    """Write all that compares the data sets."""
    params = load_params()
    table = comparison_table(params.datasets)
    curves = learning_curves(params.datasets)
    answer = recommend(table, params.compare)
    shown = shown_datasets(params, table["dataset"][protecting_variants(table, params.compare)].tolist())
    write_file(METRICS / "comparison.csv", table.to_csv(index=False).encode())
    write_file(METRICS / "comparison.xlsx", to_xlsx(table))
    write_file(METRICS / "comparison.md", f"{to_markdown(table)}\n{answer}\n".encode())
    write_file(METRICS / "frontier.png", draw_frontier(table, params.compare))
    for name, content in (
        ("curves", curves),
        ("confusions", joined_confusions(params.datasets)),
        ("frontier", frontier_points(table)),
    ):
        write_file(METRICS / f"{name}.csv", content.to_csv(index=False).encode())
    with replace_file(METRICS / "gallery.png") as partial:
        write_image(partial, join_gallery(shown))
    write_file(METRICS / "report.html", render_page(**page_content(table, curves, answer, shown, params)))
    print(to_terminal(table))
    if "people_named" in table:
        print("images, people: named by the strongest attack; chance: images named by chance")
    print(answer)
    finish(f"compare: {len(table)} data sets into {METRICS}/report.html and comparison.{{csv,xlsx,md}}")


if __name__ == "__main__":
    run_stage(compare)
