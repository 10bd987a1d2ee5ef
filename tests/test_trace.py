"""The command that says which file a renamed image comes from."""

import csv
import io
from pathlib import Path

import pytest

from stages.core.errors import PipelineError
from stages.ingest import ingest
from stages.trace import trace
from tests.synthetic import untimed

PATHS = [f"{split}/{name}/Ann{number}.png" for split in ("train", "test") for name in "ab" for number in range(2)]


@pytest.fixture
def renamed(workspace, save_images, capsys):
    """A workspace in which images were renamed."""
    folder = workspace({"data.source": "source", "data.rename": True})
    save_images(folder / "source", PATHS)
    ingest()
    capsys.readouterr()
    return folder


def traced(capsys, *text: str) -> tuple[list[list[str]], str]:
    trace(*text)
    *rows, last = untimed(capsys.readouterr().out).splitlines()
    return list(csv.reader(io.StringIO("\n".join(rows)))), last


def test_rows_with_a_text_in_the_image_or_its_source_are_printed(renamed, capsys):
    rows, last = traced(capsys)
    assert sorted(source for _, source, _ in rows) == sorted(PATHS)
    assert last == "trace: 8 of the 8 rows of data/key.csv"
    image = rows[3][0]
    assert traced(capsys, image) == ([rows[3]], "trace: 1 of the 8 rows of data/key.csv")
    found, last = traced(capsys, "train/a/Ann")
    assert {row[1] for row in found} == {path for path in PATHS if path.startswith("train/a/")}
    assert traced(capsys, "Zoe") == ([], "trace: 0 of the 8 rows of data/key.csv")


def test_letters_are_found_however_they_are_composed_and_strange_names_are_safe_to_print(renamed, save_images, capsys):
    save_images(renamed / "source", ["train/a/Jose\u0301.png", "train/a/\x1b[0m.png"], first_seed=50)
    ingest()
    capsys.readouterr()
    assert traced(capsys, "Jos\u00e9")[0][0][1] == "train/a/Jose\u0301.png"
    assert traced(capsys, "\x1b")[0][0][1] == "train/a/\\x1b[0m.png"


def test_a_key_to_other_images_is_refused(renamed, capsys):
    Path("data/raw").rename("data/older")
    with pytest.raises(PipelineError, match="belongs to another data/raw; run `dvc repro -f ingest`"):
        trace()
    assert capsys.readouterr().out == ""
