"""Formats the comparison as a workbook, as Markdown for a README, as LaTeX for a paper, and for a terminal."""

import datetime
import io
import re
from collections.abc import Iterable

import pandas as pd

from stages.results.columns import cell, columns_of, show, unit_of

# A fixed date, so that the same results give the same bytes.
_CREATED = datetime.datetime(2000, 1, 1)
_TERMINAL_WIDTH = 80  # characters
_FORMATS = {"share": "0.0%", "points": "0.0%", "dB": '0.00" dB"', "count": "0"}


def to_xlsx(table: pd.DataFrame) -> bytes:
    """Format all of the table as a workbook; the same bytes for the same table."""
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="xlsxwriter") as writer:
        book = writer.book
        book.set_properties({"created": _CREATED})
        table.to_excel(writer, sheet_name="comparison", index=False)
        sheet = writer.sheets["comparison"]
        heading = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
        for column, name in enumerate(table.columns):
            form = book.add_format({"num_format": _FORMATS.get(unit_of(name), "0.0000")})
            longest = max(map(len, table[name])) if name == "dataset" else 7
            # Room for the arrow of the filter beside the name.
            sheet.set_column(column, column, max(longest, len(name) + 2) + 2, form)
            sheet.write_string(0, column, name, heading)
        sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
    return buffer.getvalue()


def brief_rows(table: pd.DataFrame) -> list[list[str]]:
    """Return what fits into a README: a row of titles, and one for each data set."""
    columns = columns_of("brief", table)
    rows = [["data set", *(f"{column.title} (95 %)" if column.interval else column.title for column in columns)]]
    for row in table.to_dict("records"):
        cells = [cell(row, column) for column in columns]
        rows.append([row["dataset"], *(f"{text} ({ends})" if ends else text for text, ends in cells)])
    return rows


def to_markdown(table: pd.DataFrame) -> str:
    """Format `brief_rows` for a README or a pull request."""
    titles, *rows = brief_rows(table)
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1), *([f"`{row[0]}`", *row[1:]] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(table: pd.DataFrame) -> str:
    """Format `brief_rows` as a table of the package booktabs."""
    titles, *rows = ([re.sub(r"([%_&#$])", r"\\\1", text) for text in row] for row in brief_rows(table))
    lines = [" & ".join(row) + r" \\" for row in (titles, *rows)]
    head = [rf"\begin{{tabular}}{{l{'r' * (len(titles) - 1)}}}", r"\toprule", lines[0], r"\midrule"]
    return "\n".join([*head, *lines[1:], r"\bottomrule", r"\end{tabular}", ""])


def to_terminal(table: pd.DataFrame) -> str:
    """Format the metrics for a terminal of 80 columns; a long name of a data set is cut."""
    columns = columns_of("terminal", table)
    titles = [column.title.removesuffix(" in points").removesuffix(" at worst") for column in columns]
    cells = [[show(row[column.key], column.unit) for column in columns] for row in table.to_dict("records")]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    longest = max(len("data set"), *map(len, table["dataset"]))
    first = min(longest, _TERMINAL_WIDTH - sum(widths) - 2 * len(widths))
    names = [name if len(name) <= first else name[: first - 2] + ".." for name in table["dataset"]]

    def line(name: str, parts: Iterable[str]) -> str:
        return name.ljust(first) + "".join("  " + part.rjust(width) for part, width in zip(parts, widths, strict=True))

    return "\n".join([line("data set", titles), *map(line, names, cells)])
