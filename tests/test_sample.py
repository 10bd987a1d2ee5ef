import re
from collections import Counter
from pathlib import Path

import pytest

from stages.core.images import list_images, read_image
from stages.core.params import SampleParams, load_params
from stages.sample import plan_scenes, sample
from stages.scenes import CLASSES, IDENTITIES
from stages.scenes.identities import PEOPLE
from tests.synthetic import untimed

FOLDER = Path("data/sample")
SMALL = {"sample.train_images": 20, "sample.test_images": 5, "sample.size": 32}


def plan(train: int, test: int, seed: int = 0) -> list[tuple[str, str, int]]:
    return plan_scenes(SampleParams(train_images=train, test_images=test, size=32, seed=seed))


def spread(counts: Counter, possible: int) -> int:
    return max(counts.values()) - (min(counts.values()) if len(counts) == possible else 0)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 60, 64, 100, 128, 129, 400, 1600])
def test_classes_people_and_pairs_come_equally_often(count):
    scenes = plan(count, 1)[:count]
    assert all(path.startswith("train/") for path, _, _ in scenes)
    assert spread(Counter(name for _, name, _ in scenes), len(CLASSES)) <= 1
    assert spread(Counter(identity for _, _, identity in scenes), IDENTITIES) <= 1
    assert spread(Counter(scene[1:] for scene in scenes), len(CLASSES) * IDENTITIES) <= 1


def test_in_whole_rounds_each_pair_comes_equally_often():
    pairs = Counter(scene[1:] for scene in plan(2 * len(CLASSES) * IDENTITIES, 1) if scene[0].startswith("train"))
    assert set(pairs.values()) == {2}
    assert len(pairs) == len(CLASSES) * IDENTITIES


def test_identity_does_not_tell_the_class_in_a_few_scenes():
    # With four rounds of all people, each stands beside four different objects.
    seen: dict[int, set] = {}
    for _, name, identity in plan(4 * IDENTITIES, 1)[:-1]:
        seen.setdefault(identity, set()).add(name)
    assert {len(names) for names in seen.values()} == {4}


def test_train_and_test_have_their_own_draws():
    scenes = plan(128, 128)
    assert [scene[1:] for scene in scenes[:128]] != [scene[1:] for scene in scenes[128:]]


def test_plan_depends_on_the_seed():
    assert plan(20, 5) == plan(20, 5)
    assert plan(20, 5) != plan(20, 5, seed=1)


def test_names_tell_split_class_and_identity(workspace):
    workspace()
    pattern = load_params().data.identity_pattern
    scenes = plan(200, 50)
    assert len({path for path, _, _ in scenes}) == 250
    for path, name, identity in scenes:
        assert path.split("/")[:2] == [path.split("/")[0], name]
        assert int(re.search(pattern, path).group(1)) == identity


def test_images_are_drawn_as_planned(workspace, capsys):
    workspace(SMALL)
    sample()
    assert list_images(FOLDER) == sorted(path for path, _, _ in plan(20, 5))
    assert {read_image(FOLDER / path).shape for path in list_images(FOLDER)} == {(32, 32, 3)}
    assert untimed(capsys.readouterr().out) == (
        f"sample: drew 25 images of {len(CLASSES)} classes and {IDENTITIES} people into data/sample/\n"
    )


def test_the_groups_are_the_tones_of_the_skins_that_were_drawn(workspace):
    workspace(SMALL)
    sample()
    rows = [line.split(",") for line in (FOLDER / "groups.csv").read_text().splitlines()]
    who = {path: identity for path, _, identity in plan(20, 5)}
    assert rows[0] == ["path", "group"]
    assert [path for path, _ in rows[1:]] == sorted(who)
    brightness: dict[str, list[int]] = {}
    for path, group in rows[1:]:
        brightness.setdefault(group, []).append(sum(PEOPLE[who[path]].skin))
    assert min(brightness["light"]) > max(brightness["medium"]) > min(brightness["medium"]) > max(brightness["dark"])
    assert len(brightness) == 3


def test_no_two_images_are_the_same(workspace):
    workspace(SMALL)
    sample()
    assert len({read_image(FOLDER / path).tobytes() for path in list_images(FOLDER)}) == 25


def test_bytes_do_not_depend_on_workers_but_on_the_seed(workspace, monkeypatch):
    written = []
    for workers, seed in (("1", 0), ("8", 0), ("8", 1)):
        workspace({**SMALL, "sample.seed": seed})
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        sample()
        written.append([(FOLDER / path).read_bytes() for path in list_images(FOLDER)])
    assert written[0] == written[1]
    assert not set(written[1]) & set(written[2])


def test_more_test_images_leave_training_images_as_they_are(workspace):
    workspace(SMALL)
    sample()
    before = {path: (FOLDER / path).read_bytes() for path in list_images(FOLDER) if path.startswith("train")}
    workspace({**SMALL, "sample.test_images": 9})
    sample()
    assert {path: (FOLDER / path).read_bytes() for path in before} == before


def test_for_another_source_nothing_is_drawn(workspace, capsys):
    workspace({**SMALL, "data.source": "photos"})
    sample()
    assert list(FOLDER.iterdir()) == []
    assert "drew nothing, as `data.source` is another folder" in capsys.readouterr().out
