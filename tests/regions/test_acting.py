"""A method acts on regions alone, as strongly on small faces as on large ones, or on all but them."""

import math

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.core.boxes import Box
from stages.core.params.variants import Acting
from stages.methods.gaussian_blur import gaussian_blur
from stages.methods.pixelation import pixelation
from stages.regions.acting import act_on_regions, act_where, fill_regions
from stages.regions.masks import published_box, region_mask, snapped
from tests.methods.conftest import draw_photo

IMAGE = np.random.default_rng(0).integers(0, 200, (40, 50, 3), np.uint8)
BOXES = st.lists(st.builds(Box, *(st.integers(-20, 60),) * 2, *(st.integers(1, 70),) * 2), max_size=4)
ACTINGS = st.builds(
    Acting,
    shape=st.sampled_from(["ellipse", "box", "circle", "square"]),
    grow=st.floats(0, 1),
    feather=st.just(0.0) | st.floats(0.01, 1),
    side=st.sampled_from([16, 64]),
    snap=st.sampled_from([0, 0.1]),
)


def white(part: np.ndarray, box: Box | None) -> np.ndarray:
    return np.full_like(part, 255)


def weights_of(boxes: list[Box], acting: Acting, **options) -> np.ndarray:
    """Return the largest weight of each pixel."""
    whole = np.zeros(IMAGE.shape[:2], np.float32)
    for box in boxes:
        mask = region_mask(whole.shape, published_box(box, whole.shape, acting), acting, **options)
        whole[mask.rows, mask.columns] = np.maximum(whole[mask.rows, mask.columns], mask.weights)
    return whole


@settings(max_examples=50, deadline=None)
@given(BOXES, ACTINGS)
def test_pixels_outside_stay_and_pixels_inside_are_the_method_s(boxes, acting):
    before, weights = IMAGE.copy(), weights_of(boxes, acting)
    result = act_where(IMAGE, boxes, white, acting.model_copy(update={"where": "regions"}))
    assert (before == IMAGE).all()
    assert (result[weights == 0] == IMAGE[weights == 0]).all()
    assert (result[weights == 1] == 255).all()
    assert (result >= IMAGE).all()


@settings(max_examples=50, deadline=None)
@given(BOXES, ACTINGS)
def test_what_fills_a_region_knows_nothing_of_any_region(boxes, acting):
    def show(part: np.ndarray, box: Box, hole: np.ndarray) -> np.ndarray:
        return part

    weights = weights_of(boxes, acting)
    image = np.where(weights[..., None] > 0, 255 - IMAGE, IMAGE)
    result, changed = (fill_regions(each, boxes, show, acting) for each in (IMAGE, image))
    assert (result[weights == 0] == IMAGE[weights == 0]).all()
    assert (result[weights == 1] == changed[weights == 1]).all()


@settings(max_examples=50, deadline=None)
@given(BOXES, ACTINGS)
def test_all_but_the_regions_is_the_anonymized_image(boxes, acting):
    result = act_where(IMAGE, boxes, white, acting.model_copy(update={"where": "background"}))
    weights = weights_of(boxes, acting, inwards=True)
    assert (result[weights == 0] == 255).all()
    assert (result[weights == 1] == IMAGE[weights == 1]).all()


def test_a_strength_means_the_same_for_a_face_of_any_size():
    small = draw_photo(60, 60)
    large = cv2.resize(small, (240, 240), interpolation=cv2.INTER_CUBIC)
    acting = Acting(grow=0.2, side=64)

    def blur(part: np.ndarray, box: Box) -> np.ndarray:
        return gaussian_blur(part, sigma=6)

    results = [
        act_on_regions(image, [Box(*(scale * side for side in (15, 10, 30, 36)))], blur, acting)
        for image, scale in ((small, 1), (large, 4))
    ]
    shrunk = cv2.resize(results[1], (60, 60), interpolation=cv2.INTER_AREA)
    inside = (slice(14, 42), slice(18, 42))
    assert np.abs(shrunk[inside].astype(int) - results[0][inside]).mean() < 3
    assert np.abs(small[inside].astype(int) - results[0][inside]).mean() > 9


def test_a_small_box_in_a_large_one_brings_back_no_detail():
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    face, speck = Box(20, 20, 160, 160), Box(90, 90, 12, 12)

    def pixelate(part: np.ndarray, box: Box) -> np.ndarray:
        return pixelation(part, block_size=16)

    for boxes in ([face, speck], [speck, face]):
        result = act_on_regions(image, boxes, pixelate, Acting(shape="box", grow=0, feather=0, side=64))
        assert np.abs(result[90:102, 90:102].astype(int) - 127).max() < 20


@given(st.builds(Box, *(st.integers(-20, 60),) * 2, *(st.integers(1, 70),) * 2), st.floats(0.01, 1))
def test_a_snapped_box_holds_the_box_and_lies_on_the_grid(box, share):
    result, step = snapped(box, (40, 50), share), 50 * share
    starts, ends = (result.x, result.y), (result.x + result.width, result.y + result.height)
    assert starts[0] <= box.x and starts[1] <= box.y and ends[0] >= box.x + box.width and ends[1] >= box.y + box.height
    assert all(start == math.floor(round(start / step) * step) for start in starts if step > 2)
    assert result.width <= box.width + 2 * step + 2 and result.height <= box.height + 2 * step + 2
