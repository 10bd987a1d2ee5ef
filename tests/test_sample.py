"""The embedded data set: balanced, and the same bytes for the same params."""

import re
import shutil
from collections import Counter

import pytest
from dvc.repo import Repo

from stages.core.errors import PipelineError
from stages.core.files import write_file
from stages.core.images import list_images, read_image
from stages.core.params import SampleParams, load_params
from stages.core.paths import SAMPLE
from stages.core.seeding import generator
from stages.sample import plan_scenes, sample
from stages.scenes import CLASSES, IDENTITIES, draw_scene
from stages.scenes.identities import PEOPLE
from tests.clones import ROOT
from tests.synthetic import untimed

SMALL = {"sample.train_images": 12, "sample.test_images": 4, "sample.size": 32}


def plan(train: int, test: int, seed: int = 0) -> list[tuple[str, str, int]]:
    return plan_scenes(SampleParams(train_images=train, test_images=test, size=32, variation=0, seed=seed))


def spread(counts: Counter, possible: int) -> int:
    return max(counts.values()) - (min(counts.values()) if len(counts) == possible else 0)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 60, 100, 128, 129, 256, 1600])
def test_classes_people_and_pairs_come_equally_often(count):
    scenes = plan(count, 1)[:count]
    pairs = Counter(scene[1:] for scene in scenes)
    assert spread(Counter(name for _, name, _ in scenes), len(CLASSES)) <= 1
    assert spread(Counter(identity for _, _, identity in scenes), IDENTITIES) <= 1
    assert spread(pairs, len(CLASSES) * IDENTITIES) <= (count % (len(CLASSES) * IDENTITIES) > 0)


def test_identity_does_not_tell_the_class_in_a_few_scenes():
    # With four rounds of all people, each stands beside four different objects.
    seen: dict[int, set] = {}
    for _, name, identity in plan(4 * IDENTITIES, 1)[:-1]:
        seen.setdefault(identity, set()).add(name)
    assert {len(names) for names in seen.values()} == {4}


def test_names_tell_split_class_and_identity(workspace):
    workspace()
    pattern = load_params().data.identity_pattern
    scenes = plan(200, 50)
    assert len({path for path, _, _ in scenes}) == 250
    assert [scene[1:] for scene in scenes[:50]] != [scene[1:] for scene in scenes[200:]]  # each split has its own draws
    for number, (path, name, identity) in enumerate(scenes):
        assert path.split("/")[:2] == ["train" if number < 200 else "test", name]
        assert int(re.search(pattern, path).group(1)) == identity


def test_different_images_are_drawn_as_planned(workspace, capsys):
    workspace(SMALL)
    sample()
    assert list_images(SAMPLE) == sorted(path for path, _, _ in plan(12, 4))
    images = [read_image(SAMPLE / path) for path in list_images(SAMPLE)]
    assert {image.shape for image in images} == {(32, 32, 3)}
    assert len({image.tobytes() for image in images}) == 16
    assert untimed(capsys.readouterr().out) == (
        f"sample: drew 16 images of {len(CLASSES)} classes and {IDENTITIES} people into data/sample/drawn/\n"
    )


def test_the_groups_are_the_tones_of_the_skins_that_were_drawn(workspace):
    workspace(SMALL)
    sample()
    header, *rows = [line.split(",") for line in (SAMPLE / "groups.csv").read_text().splitlines()]
    drawn = {path: identity for path, _, identity in plan(12, 4)}
    assert header == ["path", "group"]
    assert [path for path, _ in rows] == sorted(drawn)
    brightness: dict[str, list[int]] = {}
    for path, group in rows:
        brightness.setdefault(group, []).append(sum(PEOPLE[drawn[path]].skin))
    assert min(brightness["light"]) > max(brightness["medium"]) > min(brightness["medium"]) > max(brightness["dark"])
    assert len(brightness) == 3


def test_the_boxes_are_those_of_the_heads_and_people_that_were_drawn(workspace):
    workspace({**SMALL, "sample.variation": 1})
    sample()
    header, *rows = [line.split(",") for line in (SAMPLE / "regions.csv").read_text().splitlines()]
    assert header == ["path", "x", "y", "width", "height", "label"]
    drawn = {path: (name, identity) for path, name, identity in plan(12, 4)}
    expected = []
    for path in list_images(SAMPLE):
        scene = draw_scene(*drawn[path], generator(0, path), size=32, variation=1)
        expected += sorted([path, *box[:5]] for box in (scene.head, scene.person))
    assert [box.label for box in (scene.head, scene.person)] == ["head", "person"]
    assert rows == [list(map(str, row)) for row in expected]


def test_bytes_depend_on_the_seed_and_not_on_workers_or_other_images(workspace, monkeypatch):
    written = []
    for workers, seed, test_images in (("1", 0, 4), ("8", 0, 4), ("8", 0, 6), ("8", 1, 4)):
        workspace({**SMALL, "sample.seed": seed, "sample.test_images": test_images})
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        sample()
        written.append({path: (SAMPLE / path).read_bytes() for path in list_images(SAMPLE)})
    first, other_workers, more, other_seed = written
    assert first == other_workers
    assert first.items() <= more.items()
    assert not set(first.values()) & set(other_seed.values())


def test_for_another_source_nothing_is_drawn(workspace, capsys):
    workspace({**SMALL, "data.source": "photos"})
    sample()
    assert list(SAMPLE.iterdir()) == []
    assert "drew nothing, as `data.source` is another folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "files", "words"),
    [
        ("data/sample/drawn", ["data/sample/dog/1.png", "data/raw/dog/1.png"], "`data/sample/dog` and 1 more"),
        ("photos", ["photos/1.png", "data/raw/dog/1.png", "data/raw/dog/2.png"], "`data/raw/dog/1.png` and 1 more"),
    ],
)
def test_images_in_the_place_of_an_output_are_refused_before_dvc_deletes_them(workspace, source, files, words):
    folder = workspace({**SMALL, "data.source": source})
    shutil.copy(ROOT / "dvc.yaml", folder)
    Repo.init(no_scm=True).close()
    for file in files:
        write_file(folder / file, b"")
    with pytest.raises(PipelineError, match=words):
        sample()
    assert all((folder / file).is_file() for file in files)
