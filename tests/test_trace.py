"""The command that says which file a renamed image comes from."""

import csv
import io

from stages.ingest import ingest
from stages.trace import trace
from tests.synthetic import untimed

PATHS = [f"{split}/{name}/Ann{number}.png" for split in ("train", "test") for name in "ab" for number in range(2)]
STRANGE = ["train/a/Jose\u0301.png", "train/a/\x1b[0m.png"]


def traced(capsys, *text: str) -> tuple[list[list[str]], str]:
    trace(*text)
    *rows, last = untimed(capsys.readouterr().out).splitlines()
    return list(csv.reader(io.StringIO("\n".join(rows)))), last


def test_rows_with_a_text_in_the_image_or_its_source_are_printed(workspace, save_images, capsys):
    save_images(workspace({"data.source": "source", "data.rename": True}) / "source", PATHS + STRANGE)
    ingest()
    capsys.readouterr()
    rows, last = traced(capsys)
    assert last == "trace: 10 of the 10 rows of data/key.csv"
    assert traced(capsys, rows[3][0]) == ([rows[3]], "trace: 1 of the 10 rows of data/key.csv")
    assert {row[1] for row in traced(capsys, "train/a/Ann")[0]} == {path for path in PATHS if path[:7] == "train/a"}
    assert traced(capsys, "Zoe") == ([], "trace: 0 of the 10 rows of data/key.csv")
    assert traced(capsys, "Jos\u00e9")[0][0][1] == STRANGE[0]  # however it is composed
    assert traced(capsys, "\x1b")[0][0][1] == "train/a/\\x1b[0m.png"  # safe to print
