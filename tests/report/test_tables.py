"""The comparison as a workbook, as Markdown and in a terminal."""

import io
import re
import zipfile
from xml.etree import ElementTree

import pandas as pd
import pytest

from stages.compare import comparison_table
from stages.core.params import load_params
from stages.report.tables import brief_rows, terminal_rows, to_markdown, to_terminal
from tests.synthetic import WRONG

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def parts_of(workbook: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_workbook_holds_the_same_table_with_percentages_and_decibels(compared):
    parts = parts_of((compared / "metrics/comparison.xlsx").read_bytes())
    texts = ["".join(item.itertext()) for item in ElementTree.fromstring(parts["xl/sharedStrings.xml"])]
    sheet, styles = (ElementTree.fromstring(parts[f"xl/{part}.xml"]) for part in ("worksheets/sheet1", "styles"))
    assert not list(sheet.iter(f"{SHEET}f"))  # no formulas
    found = [
        [texts[int(cell[0].text)] if cell.get("t") == "s" else float(cell[0].text) for cell in row if len(cell)]
        for row in sheet.iter(f"{SHEET}row")
    ]
    table = pd.read_csv(compared / "metrics/comparison.csv")
    assert found == [list(table), *([value for value in row if not pd.isna(value)] for row in table.to_numpy())]
    codes = {code.get("numFmtId"): code.get("formatCode") for code in styles.iter(f"{SHEET}numFmt")}
    forms = [codes.get(style.get("numFmtId")) for style in styles.find(f"{SHEET}cellXfs")]
    form = {}
    for column in sheet.iter(f"{SHEET}col"):
        names = table.columns[int(column.get("min")) - 1 : int(column.get("max"))]
        form |= dict.fromkeys(names, forms[int(column.get("style"))])
    assert {form[name] for name in ("accuracy", "named", "identity_accuracy_naive", "class boat")} == {"0.0%"}
    assert (form["reconstruction_psnr_gain"], form["macro_f1"]) == ('0.00" dB"', "0.0000")


@pytest.mark.parametrize("people", [True, False])
def test_the_main_columns_fit_into_a_readme(results, people):
    results(people=people)
    lines = to_markdown(brief_rows(comparison_table(list(WRONG), load_params().compare)[0])).splitlines()
    assert len(lines) == 2 + len(WRONG)
    exposed = "named" if people else "linked"
    columns = [f"{metric} (95 %)" for images in ("raw", "anonymized") for metric in
               (f"accuracy on {images} images", f"drop on {images} images, in points")]  # fmt: skip
    assert lines[0] == f"| data set | {' | '.join(columns)} | {exposed} at worst (95 %) | verdict |"
    assert lines[2].startswith("| `raw` | 95.0 % (76.4 to 99.1) |  | 100.0 % (") and lines[2].endswith(" |  |")
    assert lines[4].endswith("undecided |" if people else "refused |")


def test_latex_has_the_same_cells_and_no_bare_special_letters(compared):
    text = (compared / "metrics/comparison.tex").read_text()
    assert text.startswith(r"\begin{tabular}{lrrrrrr}") and text.endswith("\\end{tabular}\n")
    assert text.count(r" \\") == 1 + len(WRONG)
    assert r"gaussian\_blur & 80.0 \% (" in text
    assert not re.search(r"(?<!\\)[%_#$]", text)


@pytest.mark.parametrize("people", [True, False])
@pytest.mark.parametrize("length", [4, 80])
def test_terminal_table_is_narrow(results, people, length):
    results(people=people)
    name = "b" * length
    table = comparison_table(list(WRONG), load_params().compare)[0].assign(dataset=["raw", name, "morphology"])
    table["accuracy_drop_raw"] = table["accuracy_drop_anonymized"] = -1.0  # the widest that a metric gets
    text = to_terminal(terminal_rows(table))
    lines = text.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= 80
    first = [line.split()[0] for line in lines[1:]]
    assert [first[0], first[2]] == ["raw", "morphology"]
    assert first[1] == name or (first[1].startswith("bbbb") and ".." in first[1] and length == 80)
    assert ("named" in lines[0]) is people
    assert "linked" in lines[0] and "nan" not in text
