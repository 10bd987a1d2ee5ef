"""The drawing room: shapes, determinism, independence of class and identity, and that both can be seen."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest

from stages.scenes import CLASSES, IDENTITIES, draw_scene
from stages.scenes.identities import PEOPLE
from stages.scenes.objects import KINDS

FACE = {"cheek", "jaw", "chin", "eye", "spread", "slant", "iris", "brow", "arch", "nose", "mouth", "lips", "beard"}


def _scene(class_name="car", identity=0, state=0, size=128):
    return draw_scene(class_name, identity, np.random.default_rng(state), size=size)


def _difference(first, second):
    return np.abs(first.astype(int) - second).max(axis=2)


def test_there_are_enough_sorted_classes_and_identities():
    assert len(CLASSES) >= 8
    assert list(CLASSES) == sorted(set(CLASSES)) == sorted(KINDS)
    assert IDENTITIES == len(PEOPLE) >= 12


@pytest.mark.parametrize("class_name", CLASSES)
@pytest.mark.parametrize("identity", range(IDENTITIES))
def test_every_class_with_every_identity_is_a_colour_picture(class_name, identity):
    image = _scene(class_name, identity, identity)
    assert image.shape == (128, 128, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.std() > 20
    assert np.ptp(image.astype(int), axis=2).mean() > 8


@pytest.mark.parametrize("size", [32, 33, 100, 224, 512])
def test_the_same_scene_can_be_drawn_at_any_size(size):
    image, small = _scene("house", 4, 9, size), _scene("house", 4, 9, 64)
    assert image.shape == (size, size, 3)
    # The grain differs, the picture does not.
    assert np.abs(image.mean(axis=(0, 1)) - small.mean(axis=(0, 1))).max() < 4


def test_the_same_arguments_give_the_same_pixels_in_any_order_and_on_any_thread():
    jobs = [(class_name, identity, 17 + identity) for identity, class_name in enumerate(CLASSES)]
    alone = [_scene(*job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: _scene(*job), reversed(jobs)))
    for first, second in zip(alone, reversed(together), strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_state_gives_another_picture():
    assert (_difference(_scene(state=1), _scene(state=2)) > 8).mean() > 0.5


def test_the_generator_moves_on_alike_whatever_is_drawn():
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    draw_scene("aeroplane", 0, first, size=32)
    draw_scene("tree", 11, second, size=64)
    assert first.integers(2**32) == second.integers(2**32)


@pytest.mark.parametrize("state", range(4))
@pytest.mark.parametrize("pair", list(combinations(CLASSES, 2))[::3])
def test_the_class_changes_the_object_and_nothing_else(pair, state):
    changed = _difference(_scene(pair[0], 5, state), _scene(pair[1], 5, state)) > 12
    assert 0.04 < changed.mean() < 0.6
    # The person stands in the other half, in front.
    columns = changed.mean(axis=0)
    assert min(columns[:32].mean(), columns[-32:].mean()) < 0.12


@pytest.mark.parametrize("state", range(4))
@pytest.mark.parametrize("class_name", CLASSES)
def test_the_identity_changes_the_person_and_leaves_the_object_in_sight(class_name, state):
    changed = _difference(_scene(class_name, 1, state), _scene(class_name, 14, state)) > 12
    assert 0.08 < changed.mean() < 0.4
    columns = changed.mean(axis=0)
    assert min(columns[:32].mean(), columns[-32:].mean()) == 0


def test_any_two_identities_differ_in_several_traits_of_the_face_too():
    for first, second in combinations(PEOPLE, 2):
        traits = {name for name, a, b in zip(first._fields, first, second, strict=True) if a != b}
        assert len(traits) >= 8
        assert len(traits & FACE) >= 6


def test_clothes_are_shared_so_that_they_do_not_tell_who_it_is():
    outfits = [who.outfit for who in PEOPLE]
    assert {outfits.count(outfit) for outfit in outfits} <= {2, 3}


def test_the_same_person_is_more_alike_than_two_are():
    # Each scene is compared with the same scene of identity 0, so that what is left is the person alone.
    def trace(identity, state):
        scene = _scene("dog", identity, state).astype(float) - _scene("dog", 0, state)
        return np.histogramdd(scene[_difference(scene, 0) > 6], bins=6, range=[(-200, 200)] * 3)[0].ravel()

    traces = {identity: [trace(identity, state) for state in range(6)] for identity in (1, 5, 8, 12, 15)}
    traces = {key: [value / np.linalg.norm(value) for value in values] for key, values in traces.items()}
    same = [a @ b for values in traces.values() for a, b in combinations(values, 2)]
    other = [a @ b for one, two in combinations(traces, 2) for a in traces[one] for b in traces[two]]
    assert np.mean(same) > np.mean(other) + 0.2


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match=r"^`class_name` must be one of aeroplane, .*, tree\. Received: 'cat'$"):
        _scene("cat")


@pytest.mark.parametrize("identity", [-1, IDENTITIES])
def test_an_identity_out_of_range_is_refused(identity):
    with pytest.raises(ValueError, match=rf"^`identity` must be from 0 to {IDENTITIES - 1}\. Received: {identity}$"):
        _scene(identity=identity)


def test_a_size_too_small_to_show_anything_is_refused():
    with pytest.raises(ValueError, match=r"^`size` must be at least 32 pixels\. Received: 31$"):
        _scene(size=31)
