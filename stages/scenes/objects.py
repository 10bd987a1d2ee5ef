"""The classes: for each, how it is drawn and where it may stand in a scene."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from stages.scenes.canvas import Canvas
from stages.scenes.shapes import oval
from stages.scenes.things import draw_dog, draw_house, draw_road_sign, draw_tree
from stages.scenes.vehicles import draw_aeroplane, draw_bicycle, draw_boat, draw_car


class Kind(NamedTuple):
    """A class of objects: its drawing, its width as a share of the scene, the height it stands at, how far it tilts."""

    draw: Callable[[Canvas, np.random.Generator], None]
    width: float
    y: float
    tilt: float = 0.0
    mirrored: bool = True
    shadow: float = 0.5


KINDS: dict[str, Kind] = {
    "aeroplane": Kind(draw_aeroplane, 0.62, 0.24, tilt=12, shadow=0),
    "bicycle": Kind(draw_bicycle, 0.6, 0.8),
    "boat": Kind(draw_boat, 0.5, 0.76, tilt=2, shadow=0),
    "car": Kind(draw_car, 0.62, 0.8),
    "dog": Kind(draw_dog, 0.52, 0.82, shadow=0.4),
    "house": Kind(draw_house, 0.58, 0.74, shadow=0.56),
    "road_sign": Kind(draw_road_sign, 0.42, 0.84, tilt=2, mirrored=False, shadow=0.18),
    "tree": Kind(draw_tree, 0.58, 0.78, shadow=0.42),
}


def draw_object(
    canvas: Canvas, class_name: str, rng: np.random.Generator, *, x: float, side: int, variation: float
) -> None:
    """Draw one object of a class, with its shadow on the ground.

    Parameters
    ----------
    canvas : Canvas
        Where to draw.
    class_name : str
        A key of `KINDS`.
    rng : numpy.random.Generator
        Decides its size, place, direction, colours and details.
    x : float
        About where it stands, from 0 to 1.
    side : int
        Where the light comes from: -1 for the left, 1 for the right.
    variation : float
        How much its size and place vary, from 0 to 1.
    """
    kind = KINDS[class_name]
    size = rng.uniform(0.9 - 0.4 * variation, 1.05)
    # The smaller it is, the farther it can move without being hidden by the person or cut off by the edge.
    across, down = 0.03 + 0.3 * variation * (1.05 - size), 0.03 + 0.06 * variation
    place = canvas.at(x + rng.uniform(-across, across), kind.y + rng.uniform(-down, down), kind.width * size)
    if kind.shadow:
        place.soft(oval(-0.09 * side, 0.0, kind.shadow * 1.08, 0.05), (24, 26, 44), 0.3, 0.035)
        place.soft(oval(0.0, 0.0, kind.shadow * 0.94, 0.02), (20, 20, 36), 0.35, 0.012)
    flip, tilt = bool(rng.integers(2)) and kind.mirrored, rng.uniform(-kind.tilt, kind.tilt)
    kind.draw(place.at(0, 0, angle=tilt, flip=flip), rng)
