"""The command that writes a data set as plain files."""

from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.anonymize import anonymize
from stages.core.errors import PipelineError
from stages.export import export
from stages.ingest import ingest
from tests.clones import contents
from tests.faults import message_of
from tests.synthetic import untimed

PATHS = [f"{split}/{name}/{number}.png" for split in ("train", "test") for name in "ab" for number in range(4)]
VARIANTS = {"blurred": {"method": "gaussian_blur", "sigma": 2}}
STAGES = {
    "ingest": {"cmd": "ingest", "deps": ["source"], "params": ["data"], "outs": ["data/raw"]},
    "anonymize": {
        "foreach": "${variants}",
        "do": {"cmd": "anonymize", "deps": ["data/raw"], "params": ["variants.${key}"], "outs": ["data/${key}"]},
    },
}
ORIGINALS = "export: warning: data/raw/ holds the originals, in which people can be seen as they are\n"


@pytest.fixture
def make(workspace, save_images):
    """The function that runs `ingest` and `anonymize` on 16 images."""

    def run(**data):
        changes = {"data.source": "source", "variants": VARIANTS, "datasets": ["raw"]}
        save_images(workspace(changes | {f"data.{key}": value for key, value in data.items()}) / "source", PATHS)
        ingest()
        anonymize("blurred")
        Path("dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
        with Repo.init(no_scm=True, force=True) as repo:
            repo.commit(force=True)

    return run


def test_either_layout_gives_the_same_files_byte_by_byte(make, capsys):
    make()
    expected = contents("data/blurred")
    export("blurred", "files")
    capsys.readouterr()
    export("raw", "new/folder")
    last, warning = capsys.readouterr().out.splitlines(keepends=True)
    assert untimed(last) == "export: 16 images of data/raw/ into new/folder/\n"
    assert warning == ORIGINALS
    assert contents("new/folder") == contents("data/raw")
    make(layout="shards", shard_images=3)
    assert list(Path("data/blurred/train").glob("*.tar"))
    Path("shards").mkdir()  # an empty folder is as good as none
    export("blurred", "shards")
    assert contents("files") == contents("shards") == expected
    assert sorted(expected) == sorted(PATHS)
    assert Path("files", PATHS[0]).stat().st_nlink == 1  # a change there is none in DVC's cache
    shard = Path("data/raw/train/shard-000000.tar")
    shard.chmod(0o644)
    shard.write_bytes(shard.read_bytes()[:600])
    with Repo() as repo:
        repo.commit(force=True)
    assert "shard-000000.tar` must hold" in message_of(PipelineError, export, "raw", "broken")
    assert [path.name for path in Path().iterdir() if "broken" in path.name] == []


@pytest.mark.parametrize(
    ("dataset", "folder", "words"),
    [
        ("other", "new", "`variants` has no `other`; allowed: blurred"),
        ("blurred", "new", "`data/blurred` is missing; `dvc repro` or `dvc pull` makes it"),
        ("raw", "source/new", "the folder must lie outside `source`; received: source/new"),
        ("raw", "data", "the folder must lie outside `data`; received: data"),
        ("raw", "link/new", "the folder must lie outside `data`; received: link/new"),
        ("raw", "full", "the folder must be new or empty; received: full"),
        ("raw", "full/file", "the folder must be new or empty; received: full/file"),
        ("raw", "/", "the folder must lie below the mount point; received: /"),
    ],
)
def test_what_must_not_be_written_is_refused(workspace, dataset, folder, words):
    workspace({"data.source": "source", "variants": VARIANTS, "datasets": ["raw"]})
    Path("data").mkdir()
    Path("link").symlink_to("data")
    Path("full").mkdir()
    Path("full/file").write_bytes(b"")
    assert message_of(PipelineError, export, dataset, folder) == words
    assert not Path("new").exists()


CHANGES = [
    ("params.yaml", b"sigma: 2", b"sigma: 3", "variants.blurred.sigma"),
    ("params.yaml", b"source: source", b"source: source/train", "data.source"),
    (f"source/{PATHS[0]}", b"IEND", b"IENE", "source"),
    (f"data/blurred/{PATHS[0]}", b"IEND", b"IENE", "dvc.lock"),
    ("dvc.lock", b"data/raw\n      hash: md5\n      md5: ", b"data/raw\n      hash: md5\n      md5: 0", "data/raw"),
]


def test_what_is_not_of_the_present_source_and_params_is_refused(make):
    make()
    for name, old, new, changed in CHANGES:
        file = Path(name)
        content = file.read_bytes()
        file.unlink()  # it may be a link into DVC's cache
        file.write_bytes(content.replace(old, new, 1))
        with pytest.raises(PipelineError, match=rf"`data/blurred` is not of the present .*\b{changed}\b.*; run `dvc"):
            export("blurred", "new")
        assert not Path("new").exists()
        file.write_bytes(content)
    export("blurred", "new")
