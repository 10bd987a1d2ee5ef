"""Blocking and merging: nothing original is left but at key points, and the quick way gives what OpenCV gives."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from stages.methods.blocking_merging import FLAGS, blocking_merging, deal_blocks, merge_with_opencv
from stages.methods.shared import block_maps
from stages.methods.shared.block_maps import merge_with_maps

DEFAULTS = {"block_size": 12, "pattern": "grid", "inpaint": "telea", "inpaint_radius": 5, "orb_features": 0}
RANDOM = DEFAULTS | {"pattern": "random", "block_size": 5, "inpaint_radius": 3}  # small: maps are quickly built
by_pattern = pytest.mark.parametrize("options", [DEFAULTS, RANDOM], ids=["grid", "random"])


def run(image: np.ndarray, options: dict = DEFAULTS, seed: int = 0, **changes) -> np.ndarray:
    return blocking_merging(image, rng=np.random.default_rng(seed), **(options | changes))


def by_opencv(image: np.ndarray, block_size: int, radius: int, pattern: str, inpaint: str = "telea") -> np.ndarray:
    sets = deal_blocks(image.shape[:2], block_size, pattern, np.random.default_rng(0))
    return merge_with_opencv(image, sets, block_size, FLAGS[inpaint], radius)


@by_pattern
def test_the_four_blocks_of_a_tile_go_to_four_sets(options):
    sets = deal_blocks((96, 120), 12, options["pattern"], np.random.default_rng(0))
    assert sets.shape == (8, 10)
    tiles = sets.reshape(4, 2, 5, 2).swapaxes(1, 2).reshape(20, 4)
    assert (np.sort(tiles) == range(4)).all()
    assert (len({tuple(tile) for tile in tiles.tolist()}) > 10) == (options["pattern"] == "random")


def test_only_the_random_pattern_draws_and_from_the_generator_alone(photo):
    image = photo(40, 30)
    np.testing.assert_array_equal(run(image, RANDOM, seed=3), run(image, RANDOM, seed=3))
    assert (run(image, RANDOM, seed=3) != run(image, RANDOM, seed=4)).any()
    np.testing.assert_array_equal(run(image, seed=3), run(image, seed=4))


@by_pattern
@pytest.mark.parametrize("inpaint", sorted(FLAGS))
@pytest.mark.parametrize(("block_size", "radius"), [(12, 5), (5, 7), (1, 2)])
def test_no_original_pixel_is_left(photo, options, inpaint, block_size, radius):
    image = photo(50, 63)
    options = options | {"block_size": block_size, "inpaint": inpaint, "inpaint_radius": radius}
    merged = run(image, options)
    sets = deal_blocks(image.shape[:2], block_size, options["pattern"], np.random.default_rng(0))
    sets = np.kron(sets, np.ones((block_size, block_size), int))[:50, :63]
    for number in range(4):
        changed = image.copy()
        changed[sets == number] ^= 255
        again = run(changed, options)
        np.testing.assert_array_equal(again[sets == number], merged[sets == number])
        assert (again[sets != number] != merged[sets != number]).mean() > 0.5


SIZES = [(12, 13), (24, 24), (37, 41), (100, 131), (3, 90), (90, 2), (1, 25)]
BLOCKS = [(1, 2), (2, 3), (4, 5), (11, 5), (12, 1), (12, 8), (16, 5)]


@pytest.mark.parametrize(
    ("size", "block_size", "radius", "pattern"),
    [(size, 12, 5, "grid") for size in SIZES]
    + [(size, 7, 4, "random") for size in SIZES[:3]]
    + [((75, 89), *block, "grid") for block in BLOCKS],
)
def test_is_opencv_within_some_levels(photo, size, block_size, radius, pattern):
    image = photo(*size)
    sets = deal_blocks(image.shape[:2], block_size, pattern, np.random.default_rng(0))
    quick = merge_with_maps(image, sets, block_size, radius, pattern)
    difference = np.abs(quick.astype(int) - by_opencv(image, block_size, radius, pattern))
    if min(image.shape[:2]) > 3:
        assert difference.mean() <= 1.5
        assert (difference <= 4).mean() >= 0.99
        assert difference.max() <= 8
    else:  # far from any known pixel, OpenCV's rounding adds up
        assert difference.max() <= 25


@pytest.mark.parametrize(
    ("block_size", "radius", "pattern", "inpaint"),
    [(80, 5, "grid", "telea"), (12, 30, "grid", "telea"), (4, 5, "random", "telea"), (12, 5, "grid", "navier_stokes")],
)
def test_what_no_map_fits_is_opencvs(photo, block_size, radius, pattern, inpaint):
    image = photo(90, 100)
    options = {"block_size": block_size, "inpaint_radius": radius, "pattern": pattern, "inpaint": inpaint}
    np.testing.assert_array_equal(run(image, **options), by_opencv(image, block_size, radius, pattern, inpaint))


def test_a_single_row_or_column_is_filled_from_its_own_pixels_alone(photo):
    # OpenCV itself would read what lies beyond them in memory.
    for axis, image in enumerate((photo(1, 60), photo(60, 1))):
        twice = run(image.repeat(2, axis=axis), inpaint="navier_stokes")
        np.testing.assert_array_equal(run(image, inpaint="navier_stokes"), twice.take([0], axis=axis))


def test_only_the_pixels_at_key_points_are_put_back(photo):
    image = photo(150, 200)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    places = np.rint([point.pt for point in cv2.ORB_create(200).detect(grey)]).astype(int)
    assert len(places) > 20
    expected = run(image)
    expected[places[:, 1], places[:, 0]] = image[places[:, 1], places[:, 0]]
    np.testing.assert_array_equal(run(image, orb_features=200), expected)
    for without in (np.full((100, 100, 3), 50, np.uint8), photo(60, 100)):
        np.testing.assert_array_equal(run(without, orb_features=100), run(without))


@by_pattern
def test_threads_that_build_the_maps_together_change_nothing(photo, options):
    options = options | {"block_size": options["block_size"] - 1}  # of which no map is there yet
    images = [photo(40 + seed % 2, 50, seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as executor:
        together = list(executor.map(lambda image: run(image, options), images))
    np.testing.assert_array_equal(np.concatenate(together), np.concatenate([run(image, options) for image in images]))


SCRIPT = """
import hashlib
import numpy as np
from stages.methods.gaussian_blur import gaussian_blur
from tests.methods.conftest import draw_photo
from tests.methods.test_blocking_merging import RANDOM, run

image = draw_photo(204, 300)
results = [gaussian_blur(image, sigma=sigma) for sigma in (7, 40)] + [run(image), run(image[:40, :40], RANDOM)]
print(hashlib.sha256(b"".join(result.tobytes() for result in results)).hexdigest())
"""


def test_threads_of_the_linear_algebra_change_nothing():
    digests = set()
    for threads in ("1", "3"):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", SCRIPT]
        digests.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(digests) == 1 and len(digests.pop()) > 60


@by_pattern
def test_strips_and_chunks_change_nothing(photo, monkeypatch, options):
    image = photo(60, 75)
    whole = run(image, options)
    for strip, chunk in ((1, 384), (24 * 75, 3)):
        monkeypatch.setattr(block_maps, "STRIP_PIXELS", strip)
        monkeypatch.setattr(block_maps, "CHUNK_BLOCKS", chunk)
        np.testing.assert_array_equal(run(image, options), whole)
