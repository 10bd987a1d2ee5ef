"""Formats the comparison as a workbook, as Markdown for a README, as LaTeX for a paper, and for a terminal."""

import datetime
import io
import re

import pandas as pd

from stages.results.columns import cell, columns_of, show, unit_of

# A fixed date, so that the same results give the same bytes.
_CREATED = datetime.datetime(2000, 1, 1)
_TERMINAL_WIDTH = 80  # characters
_LONGEST_NAME, _SHORTEST_NAME = 40, 7
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


def terminal_rows(table: pd.DataFrame) -> list[list[str]]:
    """Return what fits into a terminal: a row of titles, and one for each data set."""
    columns = columns_of("terminal", table)
    # A drop stands beside its accuracy.
    titles = [re.sub("^accuracy | images$|(?<=^drop).*| at worst$", "", column.title) for column in columns]
    rows = table.to_dict("records")
    cells = [[row["dataset"], *(show(row[column.key], column.unit) for column in columns)] for row in rows]
    return [["data set", *titles], *cells]


def to_markdown(rows: list[list[str]]) -> str:
    """Format rows, the first of titles, as a table for a README or a pull request, with data sets' names as code."""
    names = {row[0] for row in rows[1:]}
    titles, *cells = [[f"`{text}`" if text in names else text for text in row] for row in rows]
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(rows: list[list[str]]) -> str:
    """Format rows, the first of titles, as a table of the package booktabs."""
    titles, *cells = (" & ".join(re.sub(r"([%_&#$])", r"\\\1", text) for text in row) + r" \\" for row in rows)
    head = [rf"\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}", r"\toprule", titles, r"\midrule"]
    return "\n".join([*head, *cells, r"\bottomrule", r"\end{tabular}", ""])


def to_terminal(rows: list[list[str]]) -> str:
    """Format rows, the first of titles, for 80 columns: long names are cut, and what is too wide is wrapped.

    Examples
    --------
    >>> print(to_terminal([["data set", "accuracy"], ["raw", "94.1 %"], ["mask", "50.0 %"]]))
    data set accuracy
    raw        94.1 %
    mask       50.0 %
    """
    names = {row[0] for row in rows[1:]}
    for longest in range(_LONGEST_NAME, _SHORTEST_NAME - 1, -1):
        titles, *cells = [[_cut(text, longest) if text in names else text for text in row] for row in rows]
        table = pd.DataFrame([row[1:] for row in cells], [row[0] for row in cells], titles[1:])
        text = table.rename_axis(columns=titles[0]).to_string(line_width=_TERMINAL_WIDTH)
        if text.count("\n") == len(cells) and text.index("\n") <= _TERMINAL_WIDTH:
            break
    return text


def _cut(name: str, longest: int) -> str:
    # In the middle, as names of variants often differ at their ends.
    kept = longest - 2
    return name if len(name) <= longest else f"{name[: kept // 2]}..{name[-(kept - kept // 2) :]}"
