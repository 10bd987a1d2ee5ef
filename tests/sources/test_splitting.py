from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.core.errors import PipelineError
from stages.core.params import DataParams, load_params
from stages.core.seeding import order_key
from stages.sources.finding import SourceFile
from stages.sources.splitting import check_split, draw_split, find_groups
from tests.clones import ROOT

PARAMS = load_params(ROOT / "params.yaml").data
PATTERN = r"/g(\d+)_"
examples = settings(max_examples=300, deadline=None, derandomize=True, database=None)


def data(**changes) -> DataParams:
    return PARAMS.model_copy(update=changes)


def sources(*paths: str) -> list[SourceFile]:
    """Return files of a source without a split, or with one, if the paths have one."""
    return [SourceFile(path if path.startswith(("train/", "test/")) else f"/{path}", Path(path)) for path in paths]


def numbered(folder: str, count: int, first: int = 0) -> list[str]:
    return [f"{folder}/{number:03d}.png" for number in range(first, first + count)]


def drawn(*paths: str, **changes) -> list[str]:
    files = sources(*paths)
    result = draw_split(files, data(**changes))
    check_split(files, result, data(**changes))
    return sorted(result.place(file).path for file in files if file.path in result.splits)


def message_of(*paths: str, **changes) -> str:
    with pytest.raises(PipelineError) as caught:
        drawn(*paths, **changes)
    return str(caught.value)


def todays_rule(paths: list[str], fraction: float, seed: int) -> list[str]:
    by_class = defaultdict(list)
    for path in sorted(paths, key=lambda path: order_key(seed, path)):
        by_class[path.split("/")[0]].append(path)
    result = []
    for members in by_class.values():
        held_out = min(max(1, round(fraction * len(members))), len(members) - 1)
        result += [f"{'test' if index < held_out else 'train'}/{path}" for index, path in enumerate(members)]
    return sorted(result)


def test_source_without_a_split_is_split_by_class():
    paths = drawn(*numbered("a", 50), *numbered("b", 10), test_fraction=0.2)
    assert len(paths) == len(set(paths)) == 60
    counts = Counter("/".join(path.split("/")[:2]) for path in paths)
    assert counts == {"test/a": 10, "test/b": 2, "train/a": 40, "train/b": 8}


@pytest.mark.parametrize(("fraction", "held_out"), [(0.01, 1), (0.4, 1), (0.6, 2), (0.99, 2)])
def test_both_splits_get_an_image_of_small_classes(fraction, held_out):
    paths = drawn(*numbered("a", 3), *numbered("b", 3), test_fraction=fraction)
    assert sum(path.startswith("test/a/") for path in paths) == held_out


def test_split_depends_on_the_seed():
    paths = [*numbered("a", 30), *numbered("b", 30)]
    assert drawn(*paths, seed=0) == drawn(*paths, seed=0) != drawn(*paths, seed=1)


def test_split_does_not_follow_the_names():
    paths = drawn(*numbered("a", 100), *numbered("b", 100), test_fraction=0.5)
    assert 15 < len([path for path in paths if path.startswith("test/a") and path < "test/a/050"]) < 35


def test_a_new_image_moves_no_other_between_splits_but_for_the_share():
    paths = [*numbered("a", 40), *numbered("b", 40)]
    before = set(drawn(*paths, test_fraction=0.25))
    assert len(before - set(drawn(*paths, "a/new.png", test_fraction=0.25))) <= 1


def test_own_split_is_kept():
    paths = ["test/a/1.png", "test/b/1.png", "train/a/1.png", "train/b/2.png"]
    assert drawn(*paths) == paths


def test_images_of_a_class_may_be_limited():
    paths = [*numbered("train/a", 9), *numbered("train/b", 2), *numbered("test/a", 9), *numbered("test/b", 9)]
    few = drawn(*paths, max_per_class=3)
    counts = Counter("/".join(path.split("/")[:2]) for path in few)
    assert counts == {"train/a": 3, "train/b": 2, "test/a": 3, "test/b": 3}
    assert set(few) <= set(paths)
    assert drawn(*paths, max_per_class=3, seed=1) != few


def test_single_image_cannot_be_split():
    assert message_of("a/1.png", *numbered("b", 4)) == (
        "a class must have at least 2 images to be split; received: 1 in `a`"
    )


def test_single_group_cannot_be_split():
    paths = [f"a/g1_{number}.png" for number in range(5)]
    assert message_of(*paths, *numbered("b", 4), group_pattern=PATTERN) == (
        "a class must have at least 2 groups of `data.group_pattern` to be split; received: 1 in `a`"
    )


def test_groups_that_tie_classes_together_such_that_there_is_no_split_are_refused():
    # Of three groups, two are on the same side, and these are all of one class.
    paths = ["a/g1_.png", "a/g2_.png", "b/g2_.png", "b/g3_.png", "c/g3_.png", "c/g1_.png"]
    assert message_of(*paths, group_pattern=PATTERN) == (
        "`data.group_pattern` must allow images of each class in train and in test; received: no such split was found "
        "for the 2 groups of `a`"
    )


def test_message_is_one_line_whatever_the_names():
    assert message_of(*numbered("a\nb", 1), *numbered("c\x1b[31m", 2)).endswith("received: 1 in `a\\nb`")


def test_pattern_sees_class_and_path_alone():
    files = sources("train/a/1.png", "test/a/1.png", "c/x/1.png")
    groups = find_groups(files, data(group_pattern="^/([a-z]+)/"))
    assert groups == {"train/a/1.png": "a", "test/a/1.png": "a", "/c/x/1.png": "c"}
    assert find_groups(files, data(group_pattern="(train)")) == {}
    assert find_groups(files, data(group_pattern="/c/(y?)")) == {}  # an empty name is none


def test_training_files_whose_group_is_in_test_are_left_out():
    paths = ["train/a/g1_.png", "train/a/g2_.png", "train/b/3.png", "test/a/g3_.png", "test/b/g2_y.png", "test/b/3.png"]
    files = sources(*paths)
    result = draw_split(files, data(group_pattern=PATTERN))
    assert sorted(result.splits) == sorted(set(paths) - {"train/a/g2_.png"})
    assert result.straddling == {"train/a/g2_.png": files[4]}


def test_limit_counts_what_is_not_left_out():
    test = [f"test/{name}/g1_{number}.png" for name in "ab" for number in range(5)]
    train = [f"train/{name}/g{number}_.png" for name in "ab" for number in range(1, 9)]
    paths = drawn(*test, *train, group_pattern=PATTERN, max_per_class=6)
    counts = Counter("/".join(path.split("/")[:2]) for path in paths)
    assert counts == {"train/a": 6, "train/b": 6, "test/a": 5, "test/b": 5}


def test_group_that_spans_classes_stays_together_and_shares_are_met():
    paths = [f"{name}/g{group}_{number}.png" for name in "abc" for group in range(30) for number in range(3)]
    result = drawn(*paths, group_pattern=PATTERN, test_fraction=0.2)
    counts = Counter("/".join(path.split("/")[:2]) for path in result)
    assert counts == {f"{split}/{name}": count for split, count in (("test", 18), ("train", 72)) for name in "abc"}


# Of each class, how many images each of its groups has; a group of no number is one image.
CLASSES = st.dictionaries(
    st.sampled_from("abcd"),
    st.lists(st.integers(1, 12), min_size=2, max_size=12),
    min_size=1,
)
FRACTIONS = st.floats(0.01, 0.99)


@examples
@given(CLASSES, FRACTIONS, st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_groups_of_one_class_each(classes, fraction, seed, random):
    files = sources(
        *(
            f"{name}/{name}_g{ord(name)}{group:02}_{number}.png"
            for name, groups in classes.items()
            for group, count in enumerate(groups)
            for number in range(count)
        )
    )
    params = data(group_pattern=r"_g(\d+)_", test_fraction=fraction, seed=seed)
    result = draw_split(files, params)
    check_split(files, result, params)
    groups = find_groups(files, params)
    sides = defaultdict(set)
    for path, split in result.splits.items():
        sides[groups[path]].add(split)
    assert len(result.splits) == len(files) and not result.straddling
    assert all(len(splits) == 1 for splits in sides.values())
    for name, sizes in classes.items():
        total = sum(sizes)
        held_out = sum(split == "test" for path, split in result.splits.items() if path.startswith(f"/{name}/"))
        wanted = min(max(1, round(fraction * total)), total - 1)
        assert 0 < held_out < total
        assert abs(held_out - wanted) <= max(sizes)
    random.shuffle(files)
    assert draw_split(files, params) == result


@examples
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), min_size=6, max_size=60),
    st.integers(0, 9),
    st.randoms(use_true_random=False),
)
def test_groups_that_span_classes(members, seed, random):
    files = sources(*(f"{name}/g{group}_{index}.png" for index, (name, group) in enumerate(members)))
    params = data(group_pattern=PATTERN, seed=seed)
    result = draw_split(files, params)
    groups, sides = find_groups(files, params), defaultdict(set)
    for path, split in result.splits.items():
        sides[groups[path]].add(split)
    assert all(len(splits) == 1 for splits in sides.values())
    own = {group for group in range(10) if len({name for name, other in members if other == group}) == 1}
    if all(len({group for other, group in members if other == name and group in own}) > 1 for name, _ in members):
        check_split(files, result, params)  # with two groups of its own, a class can always be split
    random.shuffle(files)
    assert draw_split(files, params) == result


@examples
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.text("xy/.", max_size=6)), unique=True),
    FRACTIONS,
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, r"/(no such group)/"]),
)
def test_without_groups_the_first_of_each_class_are_held_out(names, fraction, seed, pattern):
    paths = [f"{name}/{rest}_{index}" for index, (name, rest) in enumerate(names)]
    files = sources(*paths)
    result = draw_split(files, data(test_fraction=fraction, seed=seed, group_pattern=pattern))
    alone = {name for name, count in Counter(name for name, _ in names).items() if count == 1}
    placed = sorted(result.place(file).path for file in files if file.class_name not in alone)
    assert placed == todays_rule([path for path in paths if path[0] not in alone], fraction, seed)
