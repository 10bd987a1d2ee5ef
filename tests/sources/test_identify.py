"""Who is in the files of a source, from their paths or from a table."""

import pytest

from stages.core.errors import PipelineError
from stages.core.params import load_params
from stages.sources.finding import find_sources
from stages.sources.identify import count_named_paths, identify_sources

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
    return identify_sources(files, params).people


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
    assert identities() == {"val/a/3.png": "Ada"}


def test_a_pattern_means_the_same_with_and_without_a_split(workspace, save_images):
    below = ["Ann/x/1.png", "Bob/x/2.png"]
    for folder, paths in (
        ("whole", below),
        ("parts", [f"{split}/{path}" for split in ("train", "val") for path in below]),
    ):
        save_images(workspace() / folder, [*paths, *(path.replace("x/", "y/") for path in paths)])
    for pattern, people in (
        ("^/([^/]+)/", {"Ann", "Bob"}),
        ("(train|test|val)", set()),
        (r"^/[^/]+/(\w)/", {"x", "y"}),
    ):
        for folder in ("whole", "parts"):
            workspace({"data.source": folder, "data.identity_pattern": pattern})
            assert set(identities().values()) == people


def test_paths_in_a_table_need_not_be_spelt_as_on_the_disk(source):
    table = "Path;Identity\r\n./a/id1_x.png;Ada\r\na\\id2_x.png;Bob\r\n"
    (source / "identities.csv").write_text(table + f"{source}/b//other.png;Cyd\r\n")
    assert identities() == {"a/id1_x.png": "Ada", "a/id2_x.png": "Bob", "b/other.png": "Cyd"}


def test_spellings_that_look_the_same_are_one_person_and_capitals_make_two(source):
    (source / "identities.csv").write_text(
        "path,identity\na/id1_x.png,Jose\u0301\na/id2_x.png, Jos\u00e9 \nb/other.png,jos\u00e9\n", encoding="utf-8"
    )
    assert list(identities().values()) == ["Jos\u00e9", "Jos\u00e9", "jos\u00e9"]


def test_spellings_in_paths_are_one_person_too(source, save_images):
    save_images(source, ["a/idJose\u0301_1.png", "a/idJos\u00e9_2.png", "a/id _3.png"])
    (source.parent / "params.yaml").write_text((source.parent / "params.yaml").read_text().replace("\\d+", "\\D+"))
    assert set(identities().values()) == {"Jos\u00e9"}


def test_a_table_may_know_hidden_files_and_those_that_are_left_out(source, workspace, save_images):
    workspace({"data.source": "source", "data.max_per_class": 1})
    rows = [f"{path},{number}\n" for number, path in enumerate(PATHS)]
    (source / "identities.csv").write_text("path,identity\n" + "".join(rows))
    assert len(identities()) == 4


def test_a_table_in_capitals_and_one_that_leads_out_are_refused(source):
    (source / "Identities.CSV").touch()
    params = load_params().data
    files, _ = find_sources(params)
    with pytest.raises(PipelineError, match=r"^`source/Identities.CSV` must be named"):
        identify_sources(files, params)
    (source / "Identities.CSV").rename(source.parent / "identities.csv")
    (source / "identities.csv").symlink_to("../identities.csv")
    with pytest.raises(PipelineError, match="^`source/identities.csv` must lie in the source"):
        identify_sources(files, params)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"", "must be a table; received: an empty file"),
        (b"path,identity\na/id1_x.png,Ada\na/id2_x.png,\n", "line 3: `identity` must be filled"),
        (b"path,identity\na/id1_x.jpg,Ada\n", "line 2: `path` must name a file of the source; received: a/id1_x.jpg"),
        (b"path,identity\na/id1_x.png,Ada\na/id1_x.png,Ada\n", "line 3: a file must have one row"),
    ],
    ids=["empty", "nobody", "unknown", "twice"],
)
def test_a_wrong_table_is_refused_with_its_line_and_names_nobody(source, table, message):
    (source / "identities.csv").write_bytes(table)
    with pytest.raises(PipelineError, match=message) as caught:
        identities()
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "person", "counts"),
    [
        ("train/a/x_ann.png", "Ann", "table pattern"),
        ("train/a/annual.png", "Ann", "pattern"),
        ("train/train/1.png", "1", "table pattern"),
        ("train/a/id1_x.png", "1", "pattern"),
        ("train/Ann Lee/000007.png", "Ann", "table pattern renamed"),
        ("train/id07/000007.png", "07", "table pattern renamed"),
        ("train/class1/000001.png", "1", "pattern"),
        ("train/a/000007.png", "000007", "table pattern"),
        ("test/a/1.png", "test", ""),
    ],
)
def test_paths_that_name_people_are_counted(path, person, counts):
    people = {path: person, "train/b/x.png": "Nobody"}
    for way in ("table", "pattern", "renamed"):
        count = count_named_paths(people, by_table=way == "table", renamed=way == "renamed")
        assert count == (way in counts.split()), way
