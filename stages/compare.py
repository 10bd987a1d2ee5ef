"""Puts all data sets side by side: `metrics/comparison.csv`, `.xlsx` and `.md`, the privacy-utility frontier,
learning curves and a gallery picture.
"""

import datetime
import io
from pathlib import Path

import pandas as pd

from stages.core.errors import run_stage
from stages.core.frontier import draw_frontier, efficient_variants, recommend
from stages.core.gallery import join_gallery
from stages.core.images import replace_file, write_file, write_image
from stages.core.params import RAW, Params, load_params
from stages.core.scores import (
    accuracy_interval,
    correct_predictions,
    identity_interval,
    privacy_row,
    read_privacy,
    read_utility,
    utility_row,
)

METRICS = Path("metrics")
HISTORY = METRICS / "history"
SAMPLE = "data/sample"
# A fixed date, so that the same results give the same bytes.
_CREATED = datetime.datetime(2000, 1, 1)
_TITLES = {
    "accuracy": "accuracy (95 %)",
    "accuracy_drop": "drop",
    "p_value": "p",
    "accuracy_anonymized": "on anonymized",
    "identity_accuracy": "identified",
    "identity_accuracy_naive": "naively",
    "identity_chance": "by chance",
    "reconstruction_psnr_gain": "dB regained",
    "keypoint_survival": "key points left",
}


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


def to_xlsx(table: pd.DataFrame) -> bytes:
    """Format the table as a workbook.

    Parameters
    ----------
    table : pandas.DataFrame
        From `comparison_table`.

    Returns
    -------
    bytes
        The same for the same table.
    """
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="xlsxwriter") as writer:
        writer.book.set_properties({"created": _CREATED})
        table.to_excel(writer, sheet_name="comparison", index=False)
        sheet = writer.sheets["comparison"]
        share, number = writer.book.add_format({"num_format": "0.0%"}), writer.book.add_format({"num_format": "0.0000"})
        for column, name in enumerate(table.columns):
            is_share = name.startswith(("accuracy", "class ", "identity", "keypoint", "unchanged"))
            sheet.set_column(column, column, max(10, len(name) + 2), share if is_share else number)
        sheet.freeze_panes(1, 1)
    return buffer.getvalue()


def to_markdown(table: pd.DataFrame) -> str:
    """Format the metrics as a table for a README or a pull request.

    Parameters
    ----------
    table : pandas.DataFrame
        From `comparison_table`.

    Returns
    -------
    str
        One row a data set; a metric that no data set has is left out.
    """
    columns = {key: title for key, title in _TITLES.items() if key in table}
    lines = ["| data set | " + " | ".join(columns.values()) + " |", "| --- |" + " ---: |" * len(columns)]
    for row in table.to_dict("records"):
        cells = ["" if pd.isna(row[key]) else f"{row[key]:.3f}" for key in columns]
        cells[0] += f" ± {row['accuracy_ci95']:.3f}"
        lines.append(f"| `{row['dataset']}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def learning_curves(datasets: list[str]) -> pd.DataFrame:
    """Join the learning curves of all data sets.

    Parameters
    ----------
    datasets : list of str
        ``raw`` and variants.

    Returns
    -------
    pandas.DataFrame
        Mean over seeds; columns dataset, images (training or validation), epoch, loss, accuracy.
    """
    tables = []
    for dataset in datasets:
        history = pd.read_csv(HISTORY / f"{dataset}.csv").groupby("epoch").mean().drop(columns="seed")
        for images, prefix in (("training", ""), ("validation", "val_")):
            if f"{prefix}loss" in history:
                curves = history[[f"{prefix}loss", f"{prefix}accuracy"]].set_axis(["loss", "accuracy"], axis=1)
                tables.append(curves.reset_index().assign(dataset=dataset, images=images))
    return pd.concat(tables)[["dataset", "images", "epoch", "loss", "accuracy"]].round(6)


def shown_datasets(params: Params) -> list[str]:
    """Return the data sets whose images may be shown: raw images of real people only if the params ask for it."""
    show_raw = params.data.source == SAMPLE if params.compare.show_raw is None else params.compare.show_raw
    return [dataset for dataset in params.datasets if dataset != RAW or show_raw]


def compare() -> None:
    """Write all that compares the data sets."""
    params = load_params()
    table = comparison_table(params.datasets)
    write_file(METRICS / "comparison.csv", table.to_csv(index=False).encode())
    write_file(METRICS / "comparison.xlsx", to_xlsx(table))
    sentence = recommend(table, params.compare)
    write_file(METRICS / "comparison.md", f"{to_markdown(table)}\n{sentence}\n".encode())
    write_file(METRICS / "frontier.png", draw_frontier(table))
    write_file(METRICS / "curves.csv", learning_curves(params.datasets).to_csv(index=False).encode())
    with replace_file(METRICS / "gallery.png") as partial:
        write_image(partial, join_gallery(shown_datasets(params)))
    print(f"compare: {len(table)} data sets into {METRICS}/comparison.{{csv,xlsx,md}}; {sentence}")


if __name__ == "__main__":
    run_stage(compare)
