"""Formats the comparison as a workbook, as Markdown for a README or a pull request, and for a terminal."""

import datetime
import io
from collections.abc import Iterable

import pandas as pd

# A fixed date, so that the same results give the same bytes.
_CREATED = datetime.datetime(2000, 1, 1)
_SHARES = (
    *("accuracy", "class ", "commonest", "identity", "keypoint", "linkage", "macro_f1", "membership", "most_exposed"),
    *("people_advantage", "people_named", "region", "strongest", "unchanged"),
)
_MARKDOWN = {
    "accuracy": "accuracy (95 %)",
    "accuracy_drop": "drop (95 %)",
    "p_value": "p",
    "accuracy_anonymized": "on anonymized",
    "strongest_accuracy": "images named (95 %)",
    "identity_accuracy_naive": "naively",
    "identity_chance": "by chance",
    "region_named": "by region (95 %)",
    "people_named": "people named",
    "linkage_accuracy": "linked",
    "membership_auc": "membership AUC",
    "reconstruction_psnr_gain": "dB regained",
    "keypoint_survival": "key points left",
}
_BRIEF = ("accuracy", "strongest_accuracy", "region_named")
_TERMINAL = {
    "accuracy": "accuracy",
    "accuracy_ci95": "+-95%",
    "accuracy_drop": "drop",
    "strongest_accuracy": "images",
    "identity_chance": "chance",
    "region_named": "regions",
    "people_named": "people",
    "reconstruction_psnr_gain": "dB",
}
_TERMINAL_WIDTH = 80  # characters


def to_xlsx(table: pd.DataFrame) -> bytes:
    """Format the table as a workbook.

    Parameters
    ----------
    table : pandas.DataFrame
        From `stages.compare.comparison_table`.

    Returns
    -------
    bytes
        The same for the same table.
    """
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="xlsxwriter") as writer:
        book = writer.book
        book.set_properties({"created": _CREATED})
        table.to_excel(writer, sheet_name="comparison", index=False)
        sheet = writer.sheets["comparison"]
        heading = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
        share, decibels, number = (book.add_format({"num_format": form}) for form in ("0.0%", '0.00" dB"', "0.0000"))
        for column, name in enumerate(table.columns):
            form = decibels if "psnr" in name else share if name.startswith(_SHARES) else number
            longest = max(map(len, table[name])) if name == "dataset" else 7
            # Room for the arrow of the filter beside the name.
            sheet.set_column(column, column, max(longest, len(name) + 2) + 2, form)
            sheet.write_string(0, column, name, heading)
        sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
    return buffer.getvalue()


def to_markdown(table: pd.DataFrame, *, brief: bool = False) -> str:
    """Format the metrics as a table for a README or a pull request.

    Parameters
    ----------
    table : pandas.DataFrame
        From `stages.compare.comparison_table`.
    brief : bool, default=False
        Whether to leave out all but accuracy and the strongest attacks.

    Returns
    -------
    str
        One row a data set; a metric that no data set has is left out.
    """
    columns = {key: title for key, title in _MARKDOWN.items() if key in table and (key in _BRIEF or not brief)}
    lines = ["| data set | " + " | ".join(columns.values()) + " |", "| --- |" + " ---: |" * len(columns)]
    for row in table.to_dict("records"):
        cells = [_markdown_cell(row, key) for key in columns]
        lines.append(f"| `{row['dataset']}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def to_terminal(table: pd.DataFrame) -> str:
    """Format the metrics for a terminal of 80 columns.

    Parameters
    ----------
    table : pandas.DataFrame
        From `stages.compare.comparison_table`.

    Returns
    -------
    str
        At most 80 characters wide; a long name of a data set is cut. ``images`` and ``people`` are what the strongest
        attack names.
    """
    columns = {key: title for key, title in _TERMINAL.items() if key in table}
    cells = [[_cell(row, key) for key in columns] for row in table.to_dict("records")]
    widths = [max(map(len, column)) for column in zip(columns.values(), *cells, strict=True)]
    longest = max(len("data set"), *map(len, table["dataset"]))
    first = min(longest, _TERMINAL_WIDTH - sum(widths) - 2 * len(widths))
    names = [name if len(name) <= first else name[: first - 2] + ".." for name in table["dataset"]]

    def line(name: str, parts: Iterable[str]) -> str:
        return name.ljust(first) + "".join("  " + part.rjust(width) for part, width in zip(parts, widths, strict=True))

    return "\n".join([line("data set", columns.values()), *map(line, names, cells)])


def _markdown_cell(row: dict, key: str) -> str:
    text = _cell(row, key)
    if key == "accuracy":
        return f"{text} ± {row['accuracy_ci95']:.3f}"
    interval = {"accuracy_drop": key, "region_named": key, "strongest_accuracy": "strongest"}.get(key)
    if interval is None or pd.isna(row[key]):
        return text
    return f"{text} ({row[f'{interval}_low']:.3f} to {row[f'{interval}_high']:.3f})"


def _cell(row: dict, key: str) -> str:
    if pd.isna(row[key]):
        return ""
    if key == "p_value":
        return "< 0.001" if row[key] < 0.001 else f"{row[key]:.3f}"
    if key == "people_named":
        return f"{round(row[key] * row['people_asked'])} of {row['people_asked']:.0f}"
    return f"{row[key]:.3f}"
