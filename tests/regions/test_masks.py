"""What a mask covers: the whole shape, never less when it is grown, and nothing far away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core.boxes import Box
from stages.core.params import Acting
from stages.regions.masks import region_mask

SIZE = (20, 30)
BOXES = st.builds(Box, *(st.integers(-40, 40),) * 2, *(st.integers(1, 60),) * 2)
SHAPES, SHARES = st.sampled_from(["ellipse", "box", "circle", "square"]), st.just(0.0) | st.floats(0.01, 1)


def weights_of(box: Box, acting: Acting, **options) -> np.ndarray:
    mask = region_mask(SIZE, box, acting, **options)
    whole = np.zeros(SIZE, np.float32)
    whole[mask.rows, mask.columns] = mask.weights
    return whole


@given(BOXES, SHAPES, SHARES, SHARES, SHARES)
def test_growing_never_shows_more(box, shape, grow, more, feather):
    small, large = (weights_of(box, Acting(shape=shape, grow=size, feather=feather)) for size in (grow, grow + more))
    assert (large >= small).all()


@given(BOXES, SHARES, SHARES)
def test_a_box_covers_its_pixels_and_with_its_soft_edge_no_pixel_beyond_it(box, grow, feather):
    weights = weights_of(box, Acting(shape="box", grow=grow, feather=feather))
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    across = np.abs(columns - box.x - box.width / 2) / box.width
    down = np.abs(rows - box.y - box.height / 2) / box.height
    distance = np.maximum(across, down)
    assert (weights[distance < 0.5 + grow - 1e-6] == 1).all()
    assert (weights[distance > (0.5 + grow) * (1 + feather) + 1e-6] == 0).all()
    inwards = weights_of(box, Acting(shape="box", grow=grow, feather=feather), inwards=True)
    assert (inwards[distance > 0.5 + grow + 1e-6] == 0).all()


SILHOUETTES = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).random(SIZE) < 0.1)


@given(BOXES, SILHOUETTES, SHARES, SHARES)
def test_a_silhouette_covers_what_it_holds_of_its_box_and_a_soft_edge(box, silhouette, grow, feather):
    acting = Acting(shape="mask", grow=grow, feather=feather)
    mask = region_mask(SIZE, box, acting)
    within = np.zeros(SIZE, bool)
    within[mask.rows, mask.columns] = silhouette[mask.rows, mask.columns]
    weights, ellipse = weights_of(box, acting, silhouette=silhouette), weights_of(box, acting)
    if not within.any():
        assert np.array_equal(weights, ellipse)
        return
    assert (weights[within] == 1).all()
    assert feather or np.array_equal(weights == 1, within) or np.array_equal(weights == 1, within | (ellipse == 1))
    inwards = weights_of(box, acting, silhouette=silhouette, inwards=True)
    assert (inwards[~silhouette] == 0).all() or not silhouette[inwards > 0].any()


@given(st.integers(1, 6), st.integers(1, 12), SHARES)
def test_a_silhouette_that_reaches_in_from_beside_does_not_leave_a_person_open(across, down, feather):
    box, silhouette = Box(10, 4, 10, 12), np.zeros(SIZE, bool)
    silhouette[4 : 4 + down, 5 : 10 + across] = True  # a neighbour's; who is in the box has none
    acting = Acting(shape="mask", feather=feather)
    weights = weights_of(box, acting, silhouette=silhouette)
    assert (weights >= weights_of(box, acting)).all()
    assert (weights_of(box, acting, silhouette=silhouette, inwards=True)[~silhouette] == 0).all()


@pytest.mark.parametrize("feather", [0, 0.5])
def test_an_ellipse_with_the_default_growth_covers_the_whole_box(feather):
    weights = weights_of(Box(8, 5, 12, 9), Acting(shape="ellipse", grow=0.3, feather=feather))
    assert (weights[5:14, 8:20] == 1).all()
    assert weights[0, 0] == 0
