"""Of people in a group, the same pixels are published, made of k of them at least, and nothing else changes."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from stages.anonymize import anonymize
from stages.core.boxes import Box, read_boxes, write_boxes
from stages.core.errors import PipelineError
from stages.core.images import list_images, read_image, write_image
from stages.core.params import load_params
from stages.core.paths import DETECTIONS_FILE, FIT, RAW_FOLDER
from stages.core.people import write_people
from stages.evidence.guarantee import check_guarantee
from stages.evidence.target import load_target
from stages.regions.groups import best_guess

K, PEOPLE, LATE = 3, 7, 4  # people who are in training and test images, and people in test images alone
AVERAGE = {"method": "average", "k": K, "grouping": "closest", "sizes": "one", "where": "regions", "grow": 0.1}

WHOLE = {"method": "average", "k": K, "grouping": "furthest", "sizes": "one"}


@pytest.fixture
def gallery(workspace):
    """The function that makes photos of people, each with a region of a size of its own, and a variant."""

    def make(changes: dict | None = None, late: int = LATE) -> dict[str, str]:
        workspace({"variants.same": AVERAGE if changes is None else changes})
        people = {f"train/a/{person}_{number}.png": str(person) for person in range(PEOPLE) for number in range(2)}
        people |= {f"test/a/{person}.png": str(person) for person in range(PEOPLE + late)}
        boxes = {}
        for number, (path, name) in enumerate(people.items()):
            person, rng = int(name), np.random.default_rng(number)
            image = rng.integers(20 * person, 20 * person + 30, (60, 80, 3), np.uint8)
            write_image(RAW_FOLDER / path, image)
            boxes[path] = [Box(5 * person, 3 * person, 10 + 2 * person, 10 + number % 9, "face")]
        write_boxes(DETECTIONS_FILE, boxes)
        write_people(people)
        return people

    return make


def published() -> dict[str, np.ndarray]:
    return {path: read_image(Path("data/same") / path) for path in list_images(Path("data/same"))}


def groups_of() -> dict[str, str]:
    rows = (FIT / "same" / "groups.csv").read_text().splitlines()[1:]
    return dict(row.rsplit(",", 1) for row in rows)


def certificate() -> dict:
    return json.loads((FIT / "same" / "certificate.json").read_text())


def changed_parts() -> dict[str, np.ndarray]:
    """Return of each published image the rectangle that differs from the original, which holds its box."""
    parts = {}
    for path, image in published().items():
        rows, columns = np.nonzero((image != read_image(RAW_FOLDER / path)).any(axis=2))
        box = read_boxes(DETECTIONS_FILE)[path][0]
        assert rows.min() <= box.y and rows.max() + 1 >= box.y + box.height
        assert columns.min() <= box.x and columns.max() + 1 >= box.x + box.width
        parts[path] = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert parts[path].size < image.size
    return parts


@pytest.mark.parametrize("variant", [AVERAGE, AVERAGE | {"sizes": "few"}, WHOLE], ids=["one size", "few", "whole"])
def test_a_group_has_one_set_of_pixels_for_each_size_and_k_people_at_least(gallery, variant):
    people = gallery(variant)
    anonymize("same")
    of_path, parts = groups_of(), published() if variant == WHOLE else changed_parts()
    seen: dict[tuple, set[bytes]] = {}
    for path, part in parts.items():
        seen.setdefault((of_path[path], part.shape), set()).add(part.tobytes())
    assert all(len(pixels) == 1 for pixels in seen.values())
    assert variant["sizes"] == "few" or len(seen) == len(set(of_path.values()))
    members = {group: {people[path] for path in of_path if of_path[path] == group} for group in of_path.values()}
    assert min(map(len, members.values())) >= K and sum(map(len, members.values())) == PEOPLE + LATE
    late = {str(person) for person in range(PEOPLE, PEOPLE + LATE)}
    assert all(own <= late or not own & late for own in members.values())
    found = certificate()
    assert (found["k"], found["byte_equal"], found["people"]) == (K, True, PEOPLE + LATE)
    assert found["smallest_group"] == min(map(len, members.values()))
    assert sum(part["regions"] for row in found["groups"] for part in row["replaced"]) == len(people)


def test_a_pixel_of_a_member_changes_everyone_of_its_group_alike_or_nobody(gallery):
    people = gallery()
    anonymize("same")
    before, groups = published(), groups_of()
    path = next(iter(people))
    box = read_boxes(DETECTIONS_FILE)[path][0]
    changed = read_image(RAW_FOLDER / path)
    changed[box.y + 2 : box.y + 6, box.x + 2 : box.x + 6] ^= 128  # too little for other groups
    write_image(RAW_FOLDER / path, changed)
    anonymize("same")
    assert groups_of() == groups
    differing = {name for name, image in published().items() if (image != before[name]).any()}
    assert differing == {name for name in groups if groups[name] == groups[path]}
    assert certificate()["byte_equal"]


def test_too_few_people_of_the_test_images_alone_join_groups_and_are_in_no_mean(gallery):
    people = gallery(late=1)
    anonymize("same")
    before, groups = published(), groups_of()
    (late,) = (path for path, person in people.items() if person == str(PEOPLE))
    assert Counter(groups.values())[groups[late]] > 1
    write_image(RAW_FOLDER / late, 255 - read_image(RAW_FOLDER / late))
    anonymize("same")
    assert all((image == before[path]).all() for path, image in published().items() if path != late)


def test_where_nobody_is_known_each_image_counts_as_a_person(gallery):
    people = gallery()
    write_people({})
    anonymize("same")
    assert certificate()["images_of_nobody_known"] == len(people)
    assert min(Counter(groups_of().values()).values()) >= K


def test_the_certificate_counts_all_regions_and_what_it_does_not_speak_of(gallery):
    people = gallery(AVERAGE | {"grow": 0, "sizes": "few"})
    boxes = {path: [Box(0, 0, 8, 8, "face"), Box(30, 30, 20, 20, "face")] for path in people}
    left_open, beyond, overlaid, *_ = sorted(people)
    del boxes[left_open]
    boxes[beyond] = [Box(0, 0, 8, 8, "face"), Box(4, -25, 20, 20, "face")]  # above: no pixel of it is there
    boxes[overlaid].append(Box(40, 40, 20, 20, "face"))
    write_boxes(DETECTIONS_FILE, boxes)
    anonymize("same")
    found = certificate()
    assert (found["images_left_open"], found["regions_not_compared"], found["byte_equal"]) == (1, 1, True)
    compared = [(part["width"], part["regions"]) for row in found["groups"] for part in row["replaced"]]
    counts = [sum(count for width, count in compared if (width < 15) == is_small) for is_small in (True, False)]
    assert counts == [len(people) - 1, len(people) - 2]


def test_a_label_that_too_few_have_gets_nobody_s_pixels(gallery):
    gallery()
    boxes = read_boxes(DETECTIONS_FILE)
    odd = [path for path in boxes if path.startswith("train/a/0_")]
    for path in odd:
        boxes[path].append(Box(60, 40, 12, 12, "hand"))
    write_boxes(DETECTIONS_FILE, boxes)
    anonymize("same")
    assert all((published()[path][42:50, 62:70] == 128).all() for path in odd)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"k": PEOPLE + 1}, "k"),
        ({"where": "background"}, "where"),
        ({"feather": 0.1}, "feather"),
        ({"shape": "ellipse"}, "shape"),
    ],
)
def test_what_gives_no_guarantee_is_refused_and_nothing_is_written(gallery, changes, key):
    gallery(AVERAGE | changes)
    with pytest.raises(PipelineError, match=f"^`variants.same.{key}`"):
        anonymize("same")
    assert not (FIT / "same").exists() and not Path("data/same").exists()


def test_a_fit_that_is_stopped_leaves_what_was_there(gallery, monkeypatch):
    gallery()
    anonymize("same")
    before = {file: file.read_bytes() for file in (FIT / "same").iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr("stages.anonymize.certify", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            anonymize("same")
    assert {file: file.read_bytes() for file in (FIT / "same").iterdir()} == before
    assert [folder.name for folder in FIT.iterdir()] == ["same"]


def test_the_best_guess_is_the_commonest_of_each_group():
    groups = type("Groups", (), {"of_image": {"a": 0, "b": 0, "c": 0, "d": 1}})
    assert best_guess(groups, {"a": 1, "b": 1, "c": 2, "d": 3}) == 0.75


@pytest.mark.parametrize("where", ["regions", "image"])
def test_attackers_look_where_images_were_replaced_and_one_who_names_more_than_the_best_guess_is_told(gallery, where):
    people = gallery(AVERAGE if where == "regions" else WHOLE)
    anonymize("same")
    target = load_target("same", load_params())
    assert target.boxes.keys() == (people.keys() if where == "regions" else set())
    for path, boxes in target.boxes.items():
        assert all(changed_parts()[path].shape[:2] == (box.height, box.width) for box in boxes)
    paths = [path[5:] for path in people if path.startswith("test/")]
    right = [int(people[f"test/{path}"]) for path in paths]
    attacks = {
        "guess": {"people": right * 9, "named": [1] * 9 * len(right)},
        "leak": {"people": right * 9, "named": right * 9},
    }
    identity = {"paths": paths, "attacks": {"first": {"people": right, "named": right}} | attacks}
    found = check_guarantee(target, {"identity" if where == "image" else "region_identity": identity})
    groups = Counter(groups_of()[f"test/{path}"] for path in paths)
    assert found["best_guess"] == round(len(groups) / len(paths), 4) and found["broken_by"] == ["first", "leak"]
    assert found["certificate"] == certificate()
