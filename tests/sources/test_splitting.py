"""The draw keeps groups whole and shares close, whatever the order of files; what cannot be split is refused."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.core.errors import PipelineError
from stages.core.seeding import order_key
from stages.sources.files import SourceFile
from stages.sources.splitting import check_split, draw_split, find_groups
from tests.faults import message_of
from tests.sources.builders import data, file, numbered

PATTERN = r"/g(\d+)_"
examples = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def drawn(files: list[SourceFile], **changes) -> list[str]:
    result = draw_split(files, data(**changes))
    check_split(files, result, data(**changes))
    return sorted(result.place(file).path for file in files if file.path in result.splits)


def count(paths: list[str]) -> Counter:
    return Counter("/".join(path.split("/")[:2]) for path in paths)


def test_own_split_is_kept_and_images_of_a_class_may_be_limited():
    sizes = {"test/a": 9, "test/b": 9, "train/a": 9, "train/b": 2}
    files = [file for folder, size in sizes.items() for file in numbered(folder, size)]
    assert drawn(files) == [file.path for file in files]
    few = drawn(files, max_per_class=3)
    assert count(few) == {"test/a": 3, "test/b": 3, "train/a": 3, "train/b": 2}
    assert set(few) <= {file.path for file in files}
    assert drawn(files, max_per_class=3, seed=1) != few


MISTAKES = {
    "one image": (["/a/1.png"], "`a`; received: 1 images in 1 groups"),
    "a name in two lines": (["/c\nd/1.png"], "`c\\nd`; received: 1 images in 1 groups"),
    "one group": ([f"/a/g1_{number}.png" for number in range(5)], "`a`; received: 5 images in 1 groups"),
    # Of three groups, two are on the same side, and these are all of one class.
    "classes tied together": (
        [f"/{c}/g{g}_.png" for c, g in ("a1", "a2", "b2", "b3", "c3", "c1")],
        "2 images in 2 groups",
    ),
}


@pytest.mark.parametrize(("paths", "received"), MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_split_is_refused(paths, received):
    files = [file(path) for path in paths] + numbered("/z", 4)
    assert received in message_of(PipelineError, drawn, files, group_pattern=PATTERN)


def test_pattern_sees_class_and_path_alone():
    files = [file(path) for path in ("train/a/1.png", "test/a/1.png", "/c/x/1.png")]
    groups = find_groups(files, data(group_pattern="^/([a-z]+)/"))
    assert groups == {"train/a/1.png": "a", "test/a/1.png": "a", "/c/x/1.png": "c"}
    assert find_groups(files, data(group_pattern="(train)")) == {}
    assert find_groups(files, data(group_pattern="/c/(y?)")) == {}  # an empty name is none


def test_training_files_whose_group_is_in_test_are_left_out_and_take_no_place_under_a_limit():
    test = [file(f"test/{name}/g1_{number}.png") for name in "ab" for number in range(5)]
    train = [file(f"train/{name}/g{number}_.png") for name in "ab" for number in range(1, 9)]
    result = draw_split(test + train, data(group_pattern=PATTERN, max_per_class=6))
    assert result.straddling == {"train/a/g1_.png": test[0], "train/b/g1_.png": test[0]}
    assert count(list(result.splits)) == {"train/a": 6, "train/b": 6, "test/a": 5, "test/b": 5}


def test_groups_that_span_classes_meet_the_share():
    files = [file(f"/{name}/g{group}_{number}.png") for name in "abc" for group in range(30) for number in range(3)]
    counts = count(drawn(files, group_pattern=PATTERN, test_fraction=0.2))
    assert counts == {f"{split}/{name}": size for split, size in (("test", 18), ("train", 72)) for name in "abc"}


# The class and the group of each image.
MEMBERS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), min_size=6, max_size=60)
FRACTIONS = st.floats(0.01, 0.99)


@examples
@given(MEMBERS, st.booleans(), FRACTIONS, st.integers(0, 9), st.randoms(use_true_random=False))
def test_groups_are_never_divided(members, spanning, fraction, seed, random):
    # Unless they may span classes, each class has groups of its own.
    owners = {(name, group): group if spanning else f"{ord(name)}{group}" for name, group in members}
    files = [file(f"/{name}/g{owners[name, group]}_{index}.png") for index, (name, group) in enumerate(members)]
    params = data(group_pattern=PATTERN, test_fraction=fraction, seed=seed)
    result = draw_split(files, params)
    assert len(result.splits) == len(files) and not result.straddling
    groups, sides = find_groups(files, params), defaultdict(set)
    for path, split in result.splits.items():
        sides[groups[path]].add(split)
    assert all(len(splits) == 1 for splits in sides.values())
    classes = defaultdict(set)
    for (name, _), owner in owners.items():
        classes[owner].add(name)
    own = Counter(names.pop() for names in classes.values() if len(names) == 1)
    if all(own[name] > 1 for name, _ in members):
        check_split(files, result, params)  # with two groups of its own, a class can always be split
        for name in {name for name, _ in members} if not spanning else ():
            sizes = Counter(group for label, group in members if label == name)
            held_out = sum(split == "test" for path, split in result.splits.items() if path[1] == name)
            wanted = min(max(1, round(fraction * sizes.total())), sizes.total() - 1)
            assert abs(held_out - wanted) <= max(sizes.values())
    random.shuffle(files)
    assert draw_split(files, params) == result


def first_of_each_class(paths: list[str], fraction: float, seed: int) -> list[str]:
    by_class = defaultdict(list)
    for path in sorted(paths, key=lambda path: order_key(seed, path)):
        by_class[path[0]].append(path)
    result = []
    for members in by_class.values():
        held_out = min(max(1, round(fraction * len(members))), len(members) - 1)
        result += [f"{'test' if index < held_out else 'train'}/{path}" for index, path in enumerate(members)]
    return sorted(result)


@examples
@given(st.lists(st.tuples(st.sampled_from("abc"), st.text("xy/.", max_size=6)), unique=True), FRACTIONS, st.integers(0))
def test_without_groups_the_first_of_each_class_are_held_out(names, fraction, seed):
    alone = {name for name, size in Counter(name for name, _ in names).items() if size == 1}
    paths = [f"{name}/{rest}_{index}" for index, (name, rest) in enumerate(names) if name not in alone]
    for pattern in (None, r"/(no such group)/"):
        found = drawn([file(f"/{path}") for path in paths], test_fraction=fraction, seed=seed, group_pattern=pattern)
        assert found == first_of_each_class(paths, fraction, seed)
