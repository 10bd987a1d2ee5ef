"""Colours and outlines that drawings are made of: blends of two colours, ovals, rectangles, smooth curves."""

from collections.abc import Sequence
from functools import cache

import numpy as np

Colour = tuple[float, float, float]
Length = float | np.floating
Points = Sequence[Sequence[Length] | np.ndarray] | np.ndarray


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours.

    Parameters
    ----------
    first, second : tuple of float
        RGB colours.
    share : float
        How much of `second`: 0 gives `first`, 1 gives `second`.

    Returns
    -------
    tuple of float
        The colour between the two.

    Examples
    --------
    >>> mix((0, 0, 0), (200, 100, 50), 0.5)
    (100.0, 50.0, 25.0)
    """
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


@cache
def spline(count: int, closed: bool, steps: int) -> np.ndarray:
    """Return the matrix from `count` control points to a Catmull-Rom curve of `steps` points a span through them."""
    time = np.arange(steps)[:, None] / steps
    basis = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
    weights = np.hstack([time**0, time, time**2, time**3]) @ basis
    spans = count if closed else count - 1
    matrix = np.zeros((spans * steps + (not closed), count))
    for span in range(spans):
        for tap in range(4):
            index = (span + tap - 1) % count if closed else min(max(span + tap - 1, 0), count - 1)
            matrix[span * steps : (span + 1) * steps, index] += weights[:, tap]
    if not closed:
        matrix[-1, -1] = 1.0
    matrix.setflags(write=False)
    return matrix


@cache
def _circle(count: int = 28) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    circle.setflags(write=False)
    return circle


def oval(x: Length, y: Length, width: Length, height: Length | None = None, angle: float = 0.0) -> np.ndarray:
    """Outline an ellipse.

    Parameters
    ----------
    x, y : float
        Its centre.
    width, height : float
        Its half axes; `height` is `width` where it is left out.
    angle : float, default 0
        Its rotation, clockwise, in degrees.

    Returns
    -------
    numpy.ndarray
        Points of shape (28, 2).
    """
    points = _circle() * (width, width if height is None else height)
    if angle:
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        points = points @ np.array([[cosine, sine], [-sine, cosine]])
    return points + (x, y)


def box(left: Length, top: Length, right: Length, bottom: Length) -> np.ndarray:
    """Outline an upright rectangle, as points of shape (4, 2)."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=float)
