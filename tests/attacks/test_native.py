"""Attacks on sizes, details and blocks find what is left, pool it, and are at chance where nothing is left."""

import numpy as np
import pytest

from stages.attacks.likelihood import BlockNoise, cut_blocks, link_by_likelihood, name_by_likelihood
from stages.attacks.pooling import Distances, near_duplicates
from stages.attacks.tiles import cut_tiles, name_by_tiles
from stages.attacks.traces import link_by_traces, name_by_traces
from stages.methods.dp_pix import METHOD
from tests.portraits import PEOPLE, portraits


def share(found: Distances, groups: np.ndarray, people: np.ndarray) -> float:
    return float((found.pooled(groups) == people).mean())


KNOWN, OF_KNOWN = portraits(8, seed=0)
ASKED, OF_ASKED = portraits(4, seed=1)
ALONE = np.arange(len(ASKED))


def published(images: np.ndarray, epsilon: float, seed: int = 0):
    """Return the blocks of images after `dp_pix`, and what is known of its noise."""
    arguments = {"block_size": 12, "epsilon": epsilon, "neighbourhood": 16}
    rng = np.random.default_rng(seed)
    noise = BlockNoise(*METHOD.block_noise(**arguments))
    return [cut_blocks(METHOD.apply(image, **arguments, secret_rng=rng), 12) for image in images], noise


def test_likelihood_names_and_links_what_noise_leaves_and_pools_a_person_s_images():
    blocks, noise = published(ASKED, 0.6)
    found = name_by_likelihood([(list(KNOWN), OF_KNOWN)], blocks, ALONE, noise)
    alone, together = share(found, ALONE, OF_ASKED), share(found, OF_ASKED, OF_ASKED)
    assert 3 / PEOPLE < alone < together
    ranks = link_by_likelihood(blocks, [cut_blocks(image, 12) for image in ASKED], noise)
    assert ranks.within(1).mean() > 8 / len(ASKED)


def test_frames_of_a_burst_with_noise_of_their_own_tell_more_than_one_image():
    frames, groups = ASKED.repeat(10, axis=0), ALONE.repeat(10)
    people = OF_ASKED.repeat(10)
    found = name_by_likelihood([(list(KNOWN), OF_KNOWN)], *_burst(frames, groups))
    single = name_by_likelihood([(list(KNOWN), OF_KNOWN)], *_burst(frames, np.arange(len(frames))))
    assert share(found, groups, people) > share(single, np.arange(len(frames)), people) + 0.3
    np.testing.assert_allclose(found.values[0], found.values[9])


def _burst(frames: np.ndarray, groups: np.ndarray):
    blocks, noise = published(frames, 0.2)
    return blocks, groups, noise


def test_likelihood_names_people_who_are_enrolled_and_rules_out_originals_of_another_size():
    blocks, noise = published(ASKED, 1.0)
    learned, first, second = OF_KNOWN < 3, np.flatnonzero(OF_KNOWN >= 3), OF_ASKED >= 3
    sets = [(list(KNOWN[learned]), OF_KNOWN[learned]), (list(KNOWN[first]), OF_KNOWN[first])]
    found = name_by_likelihood(
        sets, [block for block, kept in zip(blocks, second, strict=True) if kept], ALONE[second], noise
    )
    assert found.people.tolist() == [3, 4, 5]
    assert share(found, ALONE[second], OF_ASKED[second]) > 0.9
    sizes = [48 if number % 2 else 36 for number in ALONE]
    weak, noise = published([image[:size] for image, size in zip(ASKED, sizes, strict=True)], 1e-4)
    originals = [cut_blocks(image[:size], 12) for image, size in zip(ASKED, sizes, strict=True)]
    assert link_by_likelihood(weak, originals, noise).closer.max() < len(ASKED) / 2


def test_pure_noise_is_named_as_by_chance():
    blocks, noise = published(ASKED.repeat(6, axis=0), 1e-6)
    groups, people = np.arange(len(blocks)), OF_ASKED.repeat(6)
    found = name_by_likelihood([(list(KNOWN), OF_KNOWN)], blocks, groups, noise)
    assert share(found, groups, people) < 2 / PEOPLE


def test_sizes_link_and_name_and_one_size_is_at_chance():
    rng = np.random.default_rng(0)
    sizes = np.log(rng.integers(200, 2000, (60, 2)).astype(float))
    train, test = sizes[:30], sizes[30:]
    assert link_by_traces(train, train, test, test).within(1).mean() == 1
    constant = np.full((30, 2), 7.0)
    found = link_by_traces(train, constant, constant, test).within(1).mean()
    assert found == pytest.approx(1 / 30)
    people = np.arange(30) % 5
    own = people[:, None] + rng.normal(0, 0.05, (30, 2))
    assert share(name_by_traces([(own[:20], people[:20])], own[20:]), np.arange(10), people[20:]) == 1
    assert len(set(name_by_traces([(constant, people)], constant).pooled(np.arange(30)))) == 1


def test_people_with_several_sizes_are_named_by_each():
    # Two cameras a person: the mean of their sizes is nobody's.
    cameras = np.array([[1.0, 4.0], [2.0, 3.0]])
    people, camera = np.repeat([0, 1], 10), np.tile([0, 1], 10)
    sizes = cameras[people, camera][:, None] + np.random.default_rng(0).normal(0, 0.01, (20, 1))
    assert share(name_by_traces([(sizes, people)], sizes + 0.01), np.arange(20), people) == 1


def scenes(count: int, seed: int, people: int = 5) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw smooth pictures with a small badge of its person somewhere."""
    rng, names = np.random.default_rng(seed), np.arange(people).repeat(count)
    images = []
    for person in names:
        image = rng.integers(0, 256, (12, 12, 3)).astype(np.uint8).repeat(16, axis=0).repeat(16, axis=1)
        badge = np.random.default_rng(person).integers(0, 2, (4, 8)).repeat(3, axis=0).repeat(3, axis=1) * 255
        y, x = rng.integers(8, 160, 2)
        image[y : y + 12, x : x + 24] = badge[..., None]
        images.append(image)
    return images, names


def test_a_small_badge_is_found_at_full_resolution_and_nothing_without_one():
    known, people = scenes(5, 0)
    asked, names = scenes(4, 1)
    cut = [[cut_tiles(image) for image in images] for images in (known, asked)]
    alone = np.arange(len(names))
    assert share(name_by_tiles(cut[0], people, cut[1]), alone, names) > 0.9
    blank = cut_tiles(np.full((64, 64, 3), 9, np.uint8))
    assert len(blank) == 0
    nothing = name_by_tiles([blank] * len(known), people, [blank] * len(asked))
    assert not nothing.values.any()


def test_near_duplicates_are_those_of_one_person_that_differ_little():
    noisy = np.clip(ASKED + np.random.default_rng(0).normal(0, 2, ASKED.shape), 0, 255).astype(np.uint8)
    groups = near_duplicates(np.concatenate([ASKED, noisy]), np.concatenate([OF_ASKED, OF_ASKED]))
    assert np.array_equal(groups[: len(ASKED)], groups[len(ASKED) :])
    assert len(set(groups)) == len(ASKED)
