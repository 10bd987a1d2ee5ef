"""Puts all data sets side by side and judges the variants: `metrics/report.html`, `metrics/comparison.*`, one flat row
of metrics a data set, `metrics/pairwise.csv`, `metrics/groups.csv`, the frontier, learning curves and a gallery.
"""

import json
import shutil

import pandas as pd

from stages.core.errors import run_stage
from stages.core.files import new_folder, replace_file, write_file
from stages.core.images import write_image
from stages.core.parallel import print_summary
from stages.core.params import RAW, CompareParams, load_params
from stages.core.paths import CONFUSION, GALLERY, HISTORY, METRICS, PER_CLASS, PRIVACY, RESTORED, UTILITY
from stages.core.people import read_people, read_test_groups
from stages.core.stale import print_leftovers
from stages.core.store import forget_all_but
from stages.report.page import Results, render_page
from stages.report.plots import draw_frontier
from stages.report.recommendation import recommend
from stages.report.series import frontier_points, joined_confusions, learning_curves
from stages.report.tables import brief_rows, terminal_rows, to_latex, to_markdown, to_terminal, to_xlsx
from stages.results.columns import METRIC_KEYS
from stages.results.decision import RECOMMENDED, REFUSED, Verdict, decide
from stages.results.gallery import join_gallery, pictured_datasets
from stages.results.groups import group_table
from stages.results.pairwise import pairwise_table
from stages.results.privacy import exposure, privacy_row
from stages.results.scores import read_privacy, read_utility
from stages.results.utility import correct_p_values, utility_row


def comparison_table(datasets: list[str], bounds: CompareParams) -> tuple[pd.DataFrame, dict[str, Verdict]]:
    """Compute the table of all data sets, and judge the variants."""
    raw = read_utility(RAW)
    rows = {}
    for dataset in datasets:
        scores = raw if dataset == RAW else read_utility(dataset)
        privacy = read_privacy(dataset)
        by_class = pd.Series(scores.correct.mean(axis=0)).groupby(pd.Series(scores.labels)).mean()
        rows[dataset] = {
            "dataset": dataset,
            **utility_row(scores, raw, bounds.deployed_on),
            **privacy_row(privacy),
            **exposure(privacy),
            "restorer": privacy.restorer,
            "attack_effort": privacy.effort,
            **{f"class {name}": by_class[label] for label, name in enumerate(scores.classes)},
        }
    verdicts = {name: decide(row, rows[RAW], bounds) for name, row in rows.items() if name != RAW}
    table = pd.DataFrame(list(rows.values()))
    table.insert(1, "verdict", [verdicts[name].status if name in verdicts else "" for name in rows])
    table.insert(2, "recommended", table["verdict"].map({RECOMMENDED: 1.0, REFUSED: 0.0}))
    correct_p_values(table)
    # What is not corrected, and chance, may be far below a ten-thousandth.
    return table.round(
        {key: 6 if key == "strongest_chance" or key.endswith("_uncorrected") else 4 for key in table}
    ), verdicts


def _remove_stale_results(datasets: list[str]) -> None:
    # DVC keeps the results of a data set that is no longer compared. `compare` depends on the folders that hold them,
    # so in a clone, which never had them, DVC would run it again.
    for folder in (HISTORY, UTILITY, PRIVACY, GALLERY, RESTORED, CONFUSION, PER_CLASS):
        for left in folder.glob("*"):
            if left.stem not in datasets:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def compare() -> None:
    """Write all that compares the data sets."""
    params = load_params().require_classes("compare")
    _remove_stale_results(params.datasets)
    forget_all_but([RAW, *params.variants])
    table, verdicts = comparison_table(params.datasets, params.compare)
    with new_folder(METRICS / "m") as folder:
        for row in table.to_dict("records"):
            measured = {key: row[key] for key in METRIC_KEYS if key in row and not pd.isna(row[key])}
            write_file(folder / f"{row['dataset']}.json", (json.dumps(measured, indent=2) + "\n").encode())
    with new_folder(METRICS / "history") as folder:
        for dataset in params.datasets:
            shutil.copyfile(HISTORY / f"{dataset}.csv", folder / f"{dataset}.csv")
    curves, pairs = learning_curves(params.datasets), pairwise_table(params.datasets)
    groups = group_table(params.datasets, read_test_groups(), read_people().test)
    answer = recommend(table, verdicts)
    pictured = pictured_datasets(params, [name for name, verdict in verdicts.items() if verdict.protects])
    brief = brief_rows(table)
    for name, written in (
        ("comparison.xlsx", to_xlsx(table)),
        ("comparison.md", f"{to_markdown(brief)}\n{answer}\n".encode()),
        ("comparison.tex", to_latex(brief).encode()),
        *((f"frontier.{form}", drawn) for form, drawn in draw_frontier(table, params.compare).items()),
        ("report.html", render_page(Results(table, verdicts, pairs, curves, groups, answer, pictured), params)),
    ):
        write_file(METRICS / name, written)
    for name, rows in (
        ("comparison", table),
        ("curves", curves),
        ("confusions", joined_confusions(params.datasets)),
        ("frontier", frontier_points(table)),
        ("groups", groups),
        ("pairwise", pairs),
    ):
        write_file(METRICS / f"{name}.csv", rows.to_csv(index=False).encode())
    guarantees = {name: read_privacy(name).guarantee for name in params.datasets}
    certificates = {name: found.model_dump() for name, found in guarantees.items() if found is not None}
    write_file(METRICS / "certificate.json", (json.dumps(certificates, indent=1) + "\n").encode())
    with replace_file(METRICS / "gallery.png") as partial:
        write_image(partial, join_gallery(pictured, params.compare.gallery_images))
    print_summary(f"compare: {len(table)} data sets into {METRICS}/report.html and comparison.{{csv,xlsx,md,tex}}")
    print(to_terminal(terminal_rows(table)))
    print(answer)
    print_leftovers("compare", params)


if __name__ == "__main__":
    run_stage(compare)
