"""Who is in the files of a source, from their paths or from a table."""

import pytest

from stages.core.errors import PipelineError
from stages.core.identify import identify_sources
from stages.core.params import load_params
from stages.core.sources import find_sources

PATHS = ["a/id1_x.png", "a/id2_x.png", "b/sub/id1_y.png", "b/other.png"]


@pytest.fixture
def source(workspace, save_images):
    folder = workspace({"data.source": "source"}) / "source"
    save_images(folder, PATHS)
    return folder


def identities() -> dict[str, str]:
    params = load_params().data
    files, ignored = find_sources(params)
    assert ignored == 0
    return {path.split("/", 1)[1]: name for path, name in identify_sources(files, params).items()}


def test_people_are_read_off_the_paths(source):
    assert identities() == {"a/id1_x.png": "1", "a/id2_x.png": "2", "b/sub/id1_y.png": "1"}


def test_without_a_pattern_nobody_is_known(source, workspace):
    workspace({"data.source": "source", "data.identity_pattern": None})
    assert identities() == {}


def test_a_table_at_the_top_of_the_source_goes_first(source):
    table = '\ufeffpath,identity,note\nb/other.png,"Ada, the first",x\na/id1_x.png,Bob,\n'
    (source / "identities.csv").write_text(table, encoding="utf-8")
    assert identities() == {"b/other.png": "Ada, the first", "a/id1_x.png": "Bob"}


def test_a_table_names_paths_of_the_source_where_it_is_split_already(workspace, save_images):
    folder = workspace({"data.source": "source"}) / "source"
    save_images(folder, ["train/a/1.png", "train/b/2.png", "val/a/3.png", "val/b/4.png"])
    (folder / "identities.csv").write_text("path,identity\nval/a/3.png,Ada\n")
    assert identities() == {"a/3.png": "Ada"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"path,who\na/id1_x.png,Ada\n", "columns path and identity, both filled; line 2 has not"),
        (b"path,identity\na/id1_x.png,Ada\na/id2_x.png,\n", "columns path and identity, both filled; line 3 has not"),
        (b"path,identity\na/id1_x.jpg,Ada\n", "at most once; line 2 names no file of the source"),
        (b"path,identity\na/id1_x.png,Ada\na/id1_x.png,Bob\n", "line 3 names a file that an earlier line names"),
        (b"path,identity\na/id1_x.png,\xff\n", "must be a CSV file in UTF-8"),
    ],
    ids=["column", "empty", "unknown", "twice", "encoding"],
)
def test_a_wrong_table_is_refused_with_its_line(source, table, message):
    (source / "identities.csv").write_bytes(table)
    with pytest.raises(PipelineError, match=message) as caught:
        identities()
    assert "Ada" not in str(caught.value)
