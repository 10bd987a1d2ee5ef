"""The canvas: known areas, places and colours, in every frame."""

import numpy as np
import pytest

from stages.scenes.canvas import Canvas
from stages.scenes.shapes import box, oval, spline

RED = (255, 0, 0)


def test_a_box_covers_its_area_in_its_colour():
    canvas = Canvas(64)
    canvas.polygon(box(0.25, 0.5, 0.75, 1.0), RED)
    assert canvas.pixels[48, 32].tolist() == [255, 0, 0]
    assert canvas.pixels[..., 0].sum() / 255 / 64**2 == pytest.approx(0.25, abs=0.03)
    assert not canvas.pixels[..., 1:].any()


def test_overlapping_outlines_leave_no_hole():
    ovals = np.array([oval(0.45, 0.5, 0.2), oval(0.55, 0.5, 0.2)])
    hard, soft = Canvas(64), Canvas(64)
    hard.polygon(ovals, RED)
    soft.soft(ovals, RED, 1.0, 0.01)
    assert hard.pixels[32, 32, 0] == 255
    assert soft.pixels[32, 32, 0] > 250


@pytest.mark.parametrize(("frame", "place"), [({"angle": 90}, (80, 50)), ({"flip": True}, (50, 20)), ({}, (50, 80))])
def test_frames_move_scale_turn_and_mirror(frame, place):
    canvas = Canvas(100)
    canvas.at(0.5, 0.5, 0.4, **frame).polygon(box(0.5, -0.1, 1.0, 0.1), RED)  # to the right of the middle
    rows, columns = np.nonzero(canvas.pixels[..., 0])
    assert (rows.mean(), columns.mean()) == pytest.approx(place, abs=1)


def test_a_fade_runs_from_the_top_to_the_bottom():
    canvas = Canvas(64)
    canvas.polygon(box(0, 0, 1, 1), (0, 0, 0), (200, 100, 50))
    rows = canvas.pixels[:, 32].astype(int)
    assert (np.diff(rows[:, 0]) >= 0).all()
    assert rows[2].max() < 20
    assert rows[-3, 0] > 180


def test_soft_shapes_blend_and_stay_within_their_mask():
    canvas = Canvas(64)
    canvas.soft(box(0.2, 0.2, 0.8, 0.8), RED, 0.5, 0.02, within=canvas.mask(box(0, 0, 0.5, 1)))
    assert int(canvas.pixels[32, 20, 0]) == pytest.approx(127, abs=3)
    assert not canvas.pixels[:, 34:].any()


@pytest.mark.parametrize("shape", [box(2, 2, 3, 3), box(-3, 0, -2, 1), oval(0.5, -4, 0.3)])
def test_what_lies_outside_the_picture_changes_nothing(shape):
    canvas = Canvas(32)
    canvas.polygon(shape, RED)
    canvas.polygon(shape, RED, (0, 0, 255))
    canvas.soft(shape, RED, 1.0, 0.02)
    assert not canvas.pixels.any()


@pytest.mark.parametrize("closed", [True, False])
def test_a_curve_passes_through_its_points(closed):
    points = np.array([(0, 0), (1, 0.2), (0.8, 1), (0.1, 0.9)])
    curve = spline(4, closed, 5) @ points
    np.testing.assert_allclose(curve[::5][:4], points, atol=1e-12)
    assert spline(4, closed, 5).sum(axis=1) == pytest.approx(1)
