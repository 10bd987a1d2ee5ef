"""Blocking and merging: nothing original is left but at key points, and the quick way gives what OpenCV gives."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from stages.methods import _block_maps, _fill_map
from stages.methods._block_maps import merge_with_maps
from stages.methods.blocking_merging import FLAGS, blocking_merging, deal_blocks, merge_with_opencv

DEFAULTS = {"block_size": 12, "pattern": "grid", "inpaint": "telea", "inpaint_radius": 5, "orb_features": 0}
PATTERNS = ("grid", "random")
RANDOM = {"pattern": "random", "block_size": 5, "inpaint_radius": 3}  # small blocks, whose maps are quickly built


def run(image: np.ndarray, seed: int = 0, **options) -> np.ndarray:
    return blocking_merging(image, rng=np.random.default_rng(seed), **(DEFAULTS | options))


def pixel_sets(image: np.ndarray, block_size: int, pattern: str, seed: int = 0) -> np.ndarray:
    sets = deal_blocks(image.shape[:2], block_size, pattern, np.random.default_rng(seed))
    return np.kron(sets, np.ones((block_size, block_size), int))[: image.shape[0], : image.shape[1]]


def both_ways(image: np.ndarray, block_size: int, radius: int, pattern: str) -> tuple[np.ndarray, np.ndarray]:
    sets = deal_blocks(image.shape[:2], block_size, pattern, np.random.default_rng(0))
    quick = merge_with_maps(image, sets, block_size, radius, pattern)
    plain = merge_with_opencv(image, sets, block_size, cv2.INPAINT_TELEA, radius)
    return quick.astype(int), plain.astype(int)


def test_the_four_blocks_of_a_tile_go_to_four_sets():
    for pattern in PATTERNS:
        sets = deal_blocks((96, 120), 12, pattern, np.random.default_rng(0))
        assert sets.shape == (8, 10)
        tiles = sets.reshape(4, 2, 5, 2).swapaxes(1, 2).reshape(20, 4)
        assert (np.sort(tiles) == range(4)).all()
    assert len({tuple(tile) for tile in tiles.tolist()}) > 10


def test_the_draw_depends_on_the_generator_alone(photo):
    sets = [deal_blocks((90, 70), 8, "random", np.random.default_rng(seed)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(sets[0], sets[1])
    assert (sets[0] != sets[2]).any()
    image = photo(40, 30)
    np.testing.assert_array_equal(run(image, 3, **RANDOM), run(image, 3, **RANDOM))
    assert (run(image, 3, **RANDOM) != run(image, 4, **RANDOM)).any()
    np.testing.assert_array_equal(run(image, 3), run(image, 4))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("inpaint", sorted(FLAGS))
@pytest.mark.parametrize(("block_size", "radius"), [(12, 5), (5, 7), (1, 2)])
def test_no_original_pixel_is_left(photo, pattern, inpaint, block_size, radius):
    image = photo(50, 63)
    options = {"block_size": block_size, "pattern": pattern, "inpaint": inpaint, "inpaint_radius": radius}
    merged = run(image, **options)
    sets = pixel_sets(image, block_size, pattern)
    for number in range(4):
        changed = image.copy()
        changed[sets == number] ^= 255
        again = run(changed, **options)
        np.testing.assert_array_equal(again[sets == number], merged[sets == number])
        assert (again[sets != number] != merged[sets != number]).mean() > 0.5


@pytest.mark.parametrize("size", [(12, 13), (24, 24), (37, 41), (100, 131), (3, 90), (90, 2), (1, 25)])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_is_opencv_within_some_levels_at_any_size(photo, size, pattern):
    quick, plain = both_ways(photo(*size), *((12, 5) if pattern == "grid" else (7, 4)), pattern)
    difference = np.abs(quick - plain)
    if min(size) > 3:
        assert difference.mean() <= 1.5
        assert (difference <= 4).mean() >= 0.99
        assert difference.max() <= 8
    else:  # far from any known pixel, OpenCV's rounding adds up
        assert difference.max() <= 25


@pytest.mark.parametrize(("block_size", "radius"), [(1, 5), (2, 3), (4, 5), (6, 5), (11, 5), (12, 1), (12, 8), (16, 5)])
def test_is_opencv_within_some_levels_with_any_block(photo, block_size, radius):
    quick, plain = both_ways(photo(75, 89), block_size, radius, "grid")
    difference = np.abs(quick - plain)
    assert difference.mean() <= 1.5
    assert (difference <= 4).mean() >= 0.99
    assert difference.max() <= 8


@pytest.mark.parametrize("pattern", PATTERNS)
def test_real_photos_are_opencv_within_some_levels(real_photos, pattern):
    for image in real_photos:
        quick, plain = both_ways(image if pattern == "grid" else image[:80, :110], 12, 5, pattern)
        difference = np.abs(quick - plain)
        assert difference.mean() <= 1.5
        assert (difference <= 4).mean() >= 0.99
        assert difference.max() <= 8


@pytest.mark.parametrize(("pattern", "block_size", "radius"), [("grid", 80, 5), ("grid", 12, 30), ("random", 4, 5)])
def test_what_no_map_fits_is_opencvs(photo, pattern, block_size, radius):
    image = photo(90, 100)
    sets = deal_blocks(image.shape[:2], block_size, pattern, np.random.default_rng(0))
    assert merge_with_maps(image, sets, block_size, radius, pattern) is None
    expected = merge_with_opencv(image, sets, block_size, cv2.INPAINT_TELEA, radius)
    result = run(image, pattern=pattern, block_size=block_size, inpaint_radius=radius)
    np.testing.assert_array_equal(result, expected)


def test_navier_stokes_is_opencvs(photo):
    image = photo(48, 60)
    sets = deal_blocks(image.shape[:2], 12, "grid", np.random.default_rng(0))
    expected = merge_with_opencv(image, sets, 12, cv2.INPAINT_NS, 5)
    np.testing.assert_array_equal(run(image, inpaint="navier_stokes"), expected)
    assert (expected != run(image)).any()


@pytest.mark.parametrize("inpaint", sorted(FLAGS))
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (1, 60), (60, 1), (5, 7), (12, 12), (13, 12), (70, 64)])
@pytest.mark.parametrize("block_size", [1, 12, 1000])
def test_any_size_works(photo, inpaint, pattern, size, block_size):
    image = photo(*size) if max(size) > 3 else np.full((*size, 3), 90, np.uint8)
    before = image.copy()
    merged = run(image, inpaint=inpaint, pattern=pattern, block_size=block_size, inpaint_radius=3, orb_features=50)
    assert merged.shape == image.shape and merged.dtype == np.uint8
    assert not np.shares_memory(merged, image)
    np.testing.assert_array_equal(image, before)


def test_a_single_block_becomes_its_mean(photo):
    image = photo(10, 11)
    merged = run(image)
    np.testing.assert_array_equal(merged, np.broadcast_to(np.rint(image.mean(axis=(0, 1))), image.shape))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_channels_do_not_mix(photo, pattern):
    image = photo(60, 50)
    merged = run(image, pattern=pattern)
    for channel in range(3):
        alone = np.zeros_like(image)
        alone[:, :, channel] = image[:, :, channel]
        np.testing.assert_array_equal(run(alone, pattern=pattern)[:, :, channel], merged[:, :, channel])


def test_key_points_are_put_back(photo):
    image = photo(150, 200)
    without, with_points = run(image), run(image, orb_features=200)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    places = {(round(point.pt[1]), round(point.pt[0])) for point in cv2.ORB_create(200).detect(grey)}
    assert len(places) > 20
    for y, x in places:
        np.testing.assert_array_equal(with_points[y, x], image[y, x])
    elsewhere = np.ones(image.shape[:2], bool)
    elsewhere[tuple(np.array(sorted(places)).T)] = False
    np.testing.assert_array_equal(with_points[elsewhere], without[elsewhere])


def test_no_key_points_change_nothing():
    image = np.full((100, 100, 3), 50, np.uint8)
    np.testing.assert_array_equal(run(image, orb_features=100), run(image))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_strips_and_chunks_change_nothing(photo, monkeypatch, pattern):
    image, options = photo(60, 75), DEFAULTS if pattern == "grid" else RANDOM
    whole = run(image, **options)
    for strip, chunk in ((1, 384), (24 * 75, 3)):
        monkeypatch.setattr(_block_maps, "STRIP_PIXELS", strip)
        monkeypatch.setattr(_block_maps, "CHUNK_BLOCKS", chunk)
        np.testing.assert_array_equal(run(image, **options), whole)


def test_sums_are_exact_in_single_precision(photo):
    run(photo(60, 75))
    run(photo(40, 30), **RANDOM)
    maps = list(_fill_map._maps.values())
    assert maps
    for fill_map in maps:
        for matrix, step, largest in ((fill_map.inner, 2.0**-13, 255), (fill_map.outer, None, 1100)):
            entries = matrix.astype(float)[:, :-1]
            step = step or np.abs(entries[entries != 0]).min()
            step = 2.0 ** np.floor(np.log2(step))
            while (entries % step).any():
                step /= 2
            assert np.abs(entries).sum(axis=1).max() / step * largest < 2**24
            assert (matrix[:, -1] % min(step, 2**-8) == 0).all()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_threads_change_nothing(photo, pattern):
    options = DEFAULTS if pattern == "grid" else RANDOM
    images = [photo(40 + seed % 2, 50, seed) for seed in range(8)]
    alone = [run(image, **options) for image in images]
    _fill_map._maps.clear()
    with ThreadPoolExecutor(8) as executor:
        together = list(executor.map(lambda image: run(image, **options), images))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_cache_is_bounded(photo, monkeypatch):
    image = photo(60, 75)
    whole = run(image)
    _fill_map._maps.clear()
    monkeypatch.setattr(_fill_map, "MAX_CACHE_BYTES", 200_000)
    np.testing.assert_array_equal(run(image), whole)
    assert sum(fill_map.inner.nbytes + fill_map.outer.nbytes for fill_map in _fill_map._maps.values()) <= 200_000


SCRIPT = """
import hashlib
import numpy as np
from stages.methods.blocking_merging import blocking_merging
from stages.methods.gaussian_blur import gaussian_blur
from tests.methods.conftest import draw_photo

image = draw_photo(204, 300)
options = {"block_size": 12, "inpaint": "telea", "inpaint_radius": 5, "orb_features": 100}
results = [gaussian_blur(image, sigma=sigma) for sigma in (7, 40)]
results.append(blocking_merging(image, pattern="grid", rng=np.random.default_rng(0), **options))
options |= {"block_size": 5, "inpaint_radius": 3}
results.append(blocking_merging(image[:40, :40], pattern="random", rng=np.random.default_rng(0), **options))
print(hashlib.sha256(b"".join(result.tobytes() for result in results)).hexdigest())
"""


def test_threads_of_the_linear_algebra_change_nothing():
    digests = set()
    for threads in ("1", "2", "3"):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        digests.add(
            subprocess.run(
                [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
            ).stdout
        )
    assert len(digests) == 1 and len(digests.pop()) > 60
