"""Puts all data sets side by side: `metrics/report.html`, `metrics/comparison.csv`, `.xlsx` and `.md`, one flat row of
metrics a data set, `metrics/groups.csv`, the privacy-utility frontier, learning curves and a gallery picture.
"""

import json
import shutil
from pathlib import Path

import pandas as pd

from stages.core.errors import run_stage
from stages.core.files import new_folder, replace_file, write_file
from stages.core.images import write_image
from stages.core.kept import forget_others
from stages.core.parallel import finish
from stages.core.params import RAW, load_params
from stages.core.people import read_people, read_test_groups
from stages.core.stale import print_leftovers
from stages.report.content import page_content
from stages.report.page import render_page
from stages.report.plots import draw_frontier
from stages.report.recommendation import efficient_variants, protecting_variants, recommend
from stages.report.series import HISTORY, frontier_points, joined_confusions, learning_curves
from stages.report.tables import to_markdown, to_terminal, to_xlsx
from stages.results.gallery import GALLERY, RESTORED, join_gallery, shown_datasets
from stages.results.groups import group_table
from stages.results.privacy import exposure, privacy_row
from stages.results.scores import METRIC_KEYS, SCORES, read_privacy, read_utility
from stages.results.utility import commonest_class, correct_predictions, corrected_p_values, utility_row

METRICS = Path("metrics")
_BY_DATASET = (
    *(GALLERY, RESTORED, HISTORY, SCORES / "privacy", SCORES / "utility"),
    *(METRICS / name for name in ("confusion", "per_class")),
)


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
        scores = raw if dataset == RAW else read_utility(dataset)
        privacy = read_privacy(dataset)
        by_class = pd.Series(correct_predictions(scores).mean(axis=0)).groupby(pd.Series(scores["labels"])).mean()
        rows.append(
            {
                "dataset": dataset,
                **utility_row(scores, raw),
                **privacy_row(privacy),
                "commonest_class": commonest_class(scores),
                **exposure(privacy),
                "restorer": privacy["restorer"],
                "attack_effort": privacy["effort"],
                **{f"class {name}": by_class[label] for label, name in enumerate(scores["classes"])},
            }
        )
    table = pd.DataFrame(rows)
    if "p_value_uncorrected" in table:
        uncorrected = table.pop("p_value_uncorrected")
        table.insert(table.columns.get_loc("accuracy_drop") + 1, "p_value", corrected_p_values(uncorrected))
        table["p_value_uncorrected"] = uncorrected.round(6)
    table = table.round(dict.fromkeys(table.columns.drop("p_value_uncorrected", errors="ignore"), 4))
    if "strongest_accuracy" in table:
        table.insert(1, "efficient", efficient_variants(table))
    return table


def metrics_json(row: dict[str, object]) -> bytes:
    """Format a row of the table for `dvc metrics`, which has a column for each of `METRIC_KEYS` that was measured."""
    measured = {key: row[key] for key in METRIC_KEYS if key in row and not pd.isna(row[key])}
    return (json.dumps(measured, indent=2) + "\n").encode()


def _remove_stale_results(datasets: list[str]) -> None:
    # DVC keeps the results of a data set that is no longer compared. `compare` depends on the folders that hold them,
    # so in a clone, which never had them, DVC would run it again.
    for folder in _BY_DATASET:
        for left in folder.glob("*"):
            if left.stem not in datasets:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def compare() -> None:
    """Write all that compares the data sets."""
    params = load_params().require_classes("compare")
    _remove_stale_results(params.datasets)
    forget_others([RAW, *params.variants])
    table = comparison_table(params.datasets)
    with new_folder(METRICS / "m") as folder:
        for row in table.to_dict("records"):
            write_file(folder / f"{row['dataset']}.json", metrics_json(row))
    with new_folder(METRICS / "history") as folder:
        for dataset in params.datasets:
            shutil.copyfile(HISTORY / f"{dataset}.csv", folder / f"{dataset}.csv")
    curves = learning_curves(params.datasets)
    groups = group_table(params.datasets, read_test_groups(), read_people().test)
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
        ("groups", groups),
    ):
        write_file(METRICS / f"{name}.csv", content.to_csv(index=False).encode())
    with replace_file(METRICS / "gallery.png") as partial:
        write_image(partial, join_gallery(shown, params.compare.gallery_images))
    write_file(METRICS / "report.html", render_page(**page_content(table, curves, groups, answer, shown, params)))
    finish(f"compare: {len(table)} data sets into {METRICS}/report.html and comparison.{{csv,xlsx,md}}")
    print(to_terminal(table))
    if "people_named" in table:
        print("images, regions, people: named by the attack that names most; chance: images named by chance")
    print(answer)
    print_leftovers("compare", params)


if __name__ == "__main__":
    run_stage(compare)
