"""The place of a scene: sky, light and time of day, what stands far away, and the ground that everything stands on."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from stages.scenes.canvas import Canvas
from stages.scenes.landscape import buildings, ground, mountains, pines, ridge, wood
from stages.scenes.shapes import Colour, box, mix, oval

WHITE = (255, 255, 255)


class Sky(NamedTuple):
    """One time of day: the sky's two colours, the colour of its light, and how much cloud there is at most."""

    top: Colour
    horizon: Colour
    light: Colour
    clouds: int


class Light(NamedTuple):
    """The light of a scene: from the left (-1) or the right (1), its colour as factors, and the haze far away."""

    side: int
    tint: Colour
    haze: Colour


SKIES = (
    Sky((82, 150, 214), (200, 226, 240), (1.02, 1.01, 1.0), 3),
    Sky((120, 178, 222), (250, 232, 206), (1.03, 1.0, 0.95), 3),
    Sky((150, 164, 178), (214, 219, 222), (0.93, 0.95, 0.98), 5),
    Sky((104, 150, 200), (255, 218, 160), (1.05, 0.97, 0.86), 2),
    Sky((112, 124, 178), (250, 192, 160), (0.95, 0.89, 0.94), 2),
    Sky((104, 186, 222), (226, 242, 234), (1.0, 1.02, 1.0), 4),
)


def draw_background(canvas: Canvas, rng: np.random.Generator) -> Light:
    """Draw one of the places at one of the times of day.

    Parameters
    ----------
    canvas : Canvas
        Where to draw.
    rng : numpy.random.Generator
        Decides the place, the time of day and every detail.

    Returns
    -------
    Light
        The light that falls on whatever is drawn in front.
    """
    sky = SKIES[rng.integers(len(SKIES))]
    light = Light(int(rng.choice((-1, 1))), sky.light, sky.horizon)
    _draw_sky(canvas, rng, sky, light)
    PLACES[rng.integers(len(PLACES))](canvas, rng, rng.uniform(0.53, 0.6), light)
    return light


def _draw_sky(canvas: Canvas, rng: np.random.Generator, sky: Sky, light: Light) -> None:
    canvas.polygon(box(-0.1, -0.05, 1.1, 0.62), mix(sky.top, WHITE, rng.uniform(0, 0.12)), sky.horizon)
    sun = oval(0.5 + light.side * rng.uniform(0.2, 0.45), rng.uniform(0.15, 0.5), 0.09)
    canvas.soft(sun, mix(sky.horizon, (255, 250, 225), 0.7), 0.75, 0.11)
    for _ in range(rng.integers(1, sky.clouds + 1)):
        x, y, size = rng.uniform(0, 1), rng.uniform(0.05, 0.36), rng.uniform(0.03, 0.06)
        puffs = [(-2.1, 0.25, 0.6), (-1, -0.15, 0.9), (0.1, -0.45, 1.15), (1.1, -0.1, 0.9), (2.0, 0.25, 0.55)]
        cloud = np.array([oval(x + size * a, y + size * b, size * 1.25 * c, size * 0.75 * c) for a, b, c in puffs])
        canvas.soft(cloud + (0, 0.3 * size), mix(sky.top, (150, 150, 165), 0.5), 0.22, 0.013)
        canvas.soft(cloud, mix(WHITE, sky.horizon, 0.25), 0.8, 0.008)


def _meadow(canvas: Canvas, rng: np.random.Generator, horizon: float, light: Light) -> None:
    ridge(canvas, rng, horizon - 0.02, 0.17, mix((104, 140, 150), light.haze, 0.45))
    ridge(canvas, rng, horizon, 0.1, mix((112, 158, 104), light.haze, 0.2))
    wood(canvas, rng, horizon + 0.01, 0.06, mix((78, 124, 82), light.haze, 0.15))
    ground(canvas, rng, horizon, (150, 184, 98), (92, 142, 66), 8)
    for colour in ((250, 236, 150), (246, 246, 240), (222, 120, 120)):
        y = horizon + 0.08 + 0.36 * rng.uniform(0, 1, 7)
        canvas.polygon(np.array([oval(rng.uniform(0, 1), b, 0.012 * (b - 0.3), 0.009 * (b - 0.3)) for b in y]), colour)


def _park(canvas: Canvas, rng: np.random.Generator, horizon: float, light: Light) -> None:
    wood(canvas, rng, horizon - 0.02, 0.16, mix((120, 158, 124), light.haze, 0.4))
    wood(canvas, rng, horizon + 0.01, 0.09, mix((88, 138, 82), light.haze, 0.1))
    ground(canvas, rng, horizon, (142, 186, 104), (98, 150, 74), 6)
    x, bend = rng.uniform(0.3, 0.7), rng.uniform(-0.3, 0.3)
    path = [(x, horizon), (x + 0.4 * bend, horizon + 0.1), (x + bend, 1.1), (x + bend + 0.5, 1.1)]
    canvas.polygon(
        [*path, (x + 0.4 * bend + 0.16, horizon + 0.1), (x + 0.05, horizon)], (222, 204, 172), (206, 182, 146)
    )


def _street(canvas: Canvas, rng: np.random.Generator, horizon: float, light: Light) -> None:
    buildings(canvas, rng, horizon - 0.01, 0.28, light.haze, 0.75)
    buildings(canvas, rng, horizon + 0.03, 0.18, light.haze, 0.5)
    ground(canvas, rng, horizon + 0.03, (196, 190, 184), (184, 178, 172), 4)
    ground(canvas, rng, horizon + 0.11, (128, 130, 136), (104, 106, 114), 5)
    canvas.polygon(box(-0.1, horizon + 0.1, 1.1, horizon + 0.115), (216, 212, 206))
    y, start = horizon + 0.25, rng.uniform(-0.2, 0)
    dashes = [
        [(x, y), (x + 0.13, y), (x + 0.12, y + 0.02), (x - 0.01, y + 0.02)] for x in start + np.arange(0, 1.3, 0.26)
    ]
    canvas.polygon(np.array(dashes), (226, 226, 220))


def _seaside(canvas: Canvas, rng: np.random.Generator, horizon: float, light: Light) -> None:
    sea = mix((58, 132, 164), light.haze, 0.15)
    ridge(canvas, rng, horizon - 0.04, 0.08, mix((110, 140, 140), light.haze, 0.5))
    canvas.polygon(box(-0.1, horizon - 0.05, 1.1, 0.8), mix(sea, light.haze, 0.4), mix(sea, (100, 190, 180), 0.6))
    y = rng.uniform(horizon - 0.04, horizon + 0.07, 14)
    glints = [oval(rng.uniform(0, 1), b, rng.uniform(0.02, 0.07), 0.003) for b in y]
    canvas.polygon(np.array(glints), mix(sea, WHITE, 0.55))
    shore = horizon + 0.09
    ground(canvas, rng, shore + 0.02, (238, 218, 176), (220, 192, 144), 5)
    canvas.soft(box(-0.1, shore, 1.1, shore + 0.025), (250, 252, 250), 0.85, 0.006)


def _alps(canvas: Canvas, rng: np.random.Generator, horizon: float, light: Light) -> None:
    mountains(canvas, rng, horizon - 0.02, mix((112, 124, 152), light.haze, 0.35))
    ridge(canvas, rng, horizon, 0.07, mix((92, 128, 110), light.haze, 0.25))
    pines(canvas, rng, horizon + 0.02, 0.1, mix((58, 98, 84), light.haze, 0.12))
    ground(canvas, rng, horizon + 0.015, (146, 178, 104), (104, 146, 78), 8)


def _plaza(canvas: Canvas, rng: np.random.Generator, horizon: float, light: Light) -> None:
    buildings(canvas, rng, horizon, 0.24, light.haze, 0.75)
    wood(canvas, rng, horizon + 0.01, 0.07, mix((96, 138, 96), light.haze, 0.2))
    stone = ((216, 204, 190), (200, 184, 168))
    ground(canvas, rng, horizon, *stone, 4)
    for x in np.arange(-1.5, 2.6, 0.28):
        canvas.stroke([(0.5 + (x - 0.5) * 0.12, horizon + 0.005), (x, 1.02)], mix(stone[1], (90, 80, 80), 0.18), 0.004)
    for depth in (0.03, 0.07, 0.13, 0.22, 0.34):
        y = horizon + depth
        canvas.stroke([(-0.1, y), (1.1, y)], mix(stone[1], (90, 80, 80), 0.18), 0.004)


def _fields(canvas: Canvas, rng: np.random.Generator, horizon: float, light: Light) -> None:
    ridge(canvas, rng, horizon - 0.01, 0.1, mix((130, 150, 150), light.haze, 0.5))
    ridge(canvas, rng, horizon + 0.01, 0.05, mix((190, 176, 106), light.haze, 0.25))
    wood(canvas, rng, horizon + 0.01, 0.045, mix((112, 132, 74), light.haze, 0.15))
    ground(canvas, rng, horizon, (226, 200, 124), (198, 160, 84), 9)
    middle = rng.uniform(0.2, 0.8)
    for x in np.arange(-1.6, 2.7, 0.2):
        canvas.stroke([(middle + (x - 0.5) * 0.1, horizon + 0.005), (x, 1.02)], (190, 154, 82), 0.006)


def _winter(canvas: Canvas, rng: np.random.Generator, horizon: float, light: Light) -> None:
    ridge(canvas, rng, horizon - 0.01, 0.18, mix((176, 192, 212), light.haze, 0.4))
    ridge(canvas, rng, horizon, 0.09, mix((206, 218, 230), light.haze, 0.2))
    pines(canvas, rng, horizon + 0.02, 0.12, mix((88, 116, 116), light.haze, 0.25))
    ground(canvas, rng, horizon + 0.01, (232, 238, 244), (214, 224, 236), 3)


PLACES: tuple[Callable[[Canvas, np.random.Generator, float, Light], None], ...] = (
    _meadow,
    _park,
    _street,
    _seaside,
    _alps,
    _plaza,
    _fields,
    _winter,
)
