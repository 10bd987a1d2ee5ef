import csv
import io
import time
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stages.compare import compare, comparison_table
from stages.report.tables import to_markdown, to_terminal, to_xlsx
from tests.synthetic import WRONG

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rows_of(file: str) -> list[dict[str, str]]:
    with Path(file).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def cells_of(workbook: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        texts = ["".join(item.itertext()) for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    table = []
    for row in sheet.iter(f"{SHEET}row"):
        cells = []
        for cell in row.iter(f"{SHEET}c"):
            assert cell.find(f"{SHEET}f") is None, "a formula"
            value = cell.findtext(f"{SHEET}v", default="")
            cells.append(texts[int(value)] if cell.get("t") == "s" else value)
        table.append(cells)
    return table


def test_workbook_holds_the_same_table(results):
    results()
    compare()
    header, *rows = cells_of(Path("metrics/comparison.xlsx").read_bytes())
    expected = rows_of("metrics/comparison.csv")
    assert header == list(expected[0])
    for row, wanted in zip(rows, expected, strict=True):
        for key, cell in zip(header, row, strict=True):
            if key == "efficient":
                assert bool(int(cell)) == (wanted[key] == "True")
            elif key in ("dataset", "strongest_attack"):
                assert cell == wanted[key]
            else:
                assert float(cell) == float(wanted[key])


@pytest.fixture
def time_zone(monkeypatch):
    """The function that moves the clock of this process to a time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def test_workbook_has_no_time_of_its_making(results, time_zone):
    results()
    table = comparison_table(list(WRONG))
    first = to_xlsx(table)
    time_zone("Pacific/Kiritimati")
    assert to_xlsx(table) == first
    time_zone("Pacific/Pago_Pago")
    assert to_xlsx(table) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")


def test_markdown_has_a_row_for_each_data_set(results):
    results()
    lines = to_markdown(comparison_table(list(WRONG))).splitlines()
    assert len(lines) == 2 + len(WRONG)
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| `raw` | 0.950 ± ")
    assert " | 1.000 (0.839 to 1.000) | " in lines[2] and " | 5 of 5 | " in lines[2]


def formats_of(workbook: bytes) -> dict[str, tuple[str, bool]]:
    """Return each column's number format below the heading, and whether the heading is bold."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    codes = {one.get("numFmtId"): one.get("formatCode") for one in styles.iter(f"{SHEET}numFmt")}
    fonts = [font.find(f"{SHEET}b") is not None for font in styles.find(f"{SHEET}fonts")]
    cells = list(styles.find(f"{SHEET}cellXfs"))
    header, first = list(sheet.iter(f"{SHEET}row"))[:2]
    # A cell without a style of its own takes its column's.
    columns = {
        index: one.get("style", "0")
        for one in sheet.iter(f"{SHEET}col")
        for index in range(int(one.get("min")), int(one.get("max")) + 1)
    }
    found = {}
    for index, (name, heading, cell) in enumerate(zip(cells_of(workbook)[0], header, first, strict=True), 1):
        style = cells[int(cell.get("s", columns[index]))]
        found[name] = (codes.get(style.get("numFmtId")), fonts[int(cells[int(heading.get("s"))].get("fontId"))])
    return found


def test_workbook_has_bold_headings_percentages_and_decibels(results):
    results()
    formats = formats_of(to_xlsx(comparison_table(list(WRONG))))
    assert all(bold for _, bold in formats.values())
    shares = {"accuracy", "accuracy_drop", "identity_accuracy", "identity_chance", "keypoint_survival", "class boat"}
    assert {formats[name][0] for name in shares} == {"0.0%"}
    assert formats["reconstruction_psnr_gain"][0] == '0.00" dB"'
    assert formats["p_value"][0] == formats["reconstruction_ssim"][0] == "0.0000"


@pytest.mark.parametrize("people", [True, False])
@pytest.mark.parametrize("length", [4, 80])
def test_terminal_table_is_narrow(results, people, length):
    results(people=people)
    name = "b" * length
    table = comparison_table(list(WRONG)).assign(dataset=["raw", name, "morphology"])
    # The widest that a metric gets.
    table["reconstruction_psnr_gain"] = -12.3456
    text = to_terminal(table)
    lines = text.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= 80
    first = [line.split()[0] for line in lines[1:]]
    assert [first[0], first[2]] == ["raw", "morphology"]
    assert first[1] == name or (first[1].startswith("bbbb") and first[1].endswith("..") and length == 80)
    assert ("people" in lines[0]) is people
    assert ("5 of 5" in lines[1]) is people
    assert "nan" not in text
