"""The vehicles: aeroplane, bicycle, boat and car. Each is 1 wide, stands on y = 0 about x = 0 and heads right."""

import numpy as np

from stages.scenes.canvas import Canvas
from stages.scenes.shapes import Colour, box, mix, oval

BLACK, WHITE = (26, 28, 34), (255, 255, 255)
GLASS = (104, 140, 168)
# Likely colours of each kind of vehicle.
PAINTS: dict[str, tuple[Colour, ...]] = {
    "aeroplane": ((206, 48, 44), (38, 92, 176), (28, 60, 120), (232, 116, 40)),
    "bicycle": ((30, 122, 128), (52, 132, 110), (44, 54, 66), (58, 104, 150)),
    "boat": ((196, 46, 42), (34, 66, 120), (28, 100, 150), (244, 242, 236)),
    "car": ((206, 44, 40), (176, 34, 44), (226, 92, 34), (236, 172, 36)),
}


def _paint(kind: str, rng: np.random.Generator) -> Colour:
    """Pick one of the paints, a little lighter or darker than it stands in the table."""
    paint = PAINTS[kind][rng.integers(len(PAINTS[kind]))]
    return mix(paint, WHITE if rng.uniform() < 0.5 else BLACK, rng.uniform(0, 0.12))


def draw_aeroplane(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw an airliner from the side, white above and painted below, its middle at y = 0."""
    paint, metal = _paint("aeroplane", rng), (206, 212, 220)
    canvas.polygon([(-0.02, -0.05), (-0.16, -0.25), (-0.08, -0.25), (0.16, -0.06)], (160, 168, 180), (190, 196, 206))
    canvas.polygon([(-0.42, -0.03), (-0.5, -0.11), (-0.44, -0.11), (-0.33, -0.04)], (166, 174, 186))
    canvas.polygon([(-0.44, -0.05), (-0.5, -0.28), (-0.41, -0.28), (-0.24, -0.06)], paint, mix(paint, BLACK, 0.12))
    body = [(0.5, 0.02), (0.44, -0.05), (0.34, -0.085), (-0.25, -0.085), (-0.49, -0.05), (-0.5, -0.03), (-0.3, 0.055)]
    body += [(-0.15, 0.075), (0.38, 0.075), (0.48, 0.05)]
    canvas.polygon(body, (252, 253, 255), (196, 202, 214), smooth=True)
    belly = [(0.49, 0.04), (0.36, 0.035), (-0.34, 0.03), (-0.3, 0.055), (-0.15, 0.077), (0.38, 0.077), (0.47, 0.055)]
    canvas.polygon(belly, paint, mix(paint, BLACK, 0.3), smooth=True)
    canvas.polygon([(0.46, -0.037), (0.375, -0.068), (0.37, -0.03), (0.46, -0.018)], (58, 74, 96))
    x = np.arange(-0.3, 0.33, 0.05)
    canvas.polygon(np.array([box(a, -0.04, a + 0.026, -0.008) for a in x]), (84, 108, 140))
    canvas.polygon([(-0.4, -0.015), (-0.52, 0.01), (-0.46, 0.02), (-0.28, 0.0)], metal, (170, 178, 190))
    canvas.polygon([(-0.1, 0.05), (-0.3, 0.25), (-0.21, 0.26), (0.15, 0.055)], (228, 232, 238), (158, 166, 180))
    canvas.polygon([(-0.3, 0.25), (-0.21, 0.26), (-0.19, 0.235), (-0.275, 0.225)], paint)
    for at in (0.0,):
        canvas.polygon(oval(at, 0.125, 0.075, 0.034, 4), (240, 242, 246), (140, 148, 162))
        canvas.polygon(oval(at + 0.062, 0.129, 0.014, 0.03, 4), (60, 66, 78))


def draw_bicycle(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a bicycle from the side: two large dark wheels and a painted frame."""
    paint, tan = _paint("bicycle", rng), (124, 78, 48)
    hub, height = 0.265, 0.235
    for x in (-hub, hub):
        canvas.soft(oval(x, -height, 0.2), (40, 44, 52), 0.16, 0.01)
        turns = np.radians(np.arange(0, 180, 30) + rng.uniform(0, 30))
        for turn in turns:
            reach = np.array([np.cos(turn), np.sin(turn)]) * 0.2
            canvas.stroke([(x, -height) - reach, (x, -height) + reach], (206, 210, 214), 0.006)
        canvas.stroke(oval(x, -height, 0.213), BLACK, 0.05, closed=True)
        canvas.stroke(oval(x, -height, 0.188), (196, 200, 206), 0.01, closed=True)
        canvas.polygon(oval(x, -height, 0.028), (90, 94, 102))
    crank, seat, head = (-0.03, -0.2), (-0.12, -0.5), (0.19, -0.5)
    dark = mix(paint, BLACK, 0.3)
    for line in ([(-hub, -height), crank], [(-hub, -height), seat]):
        canvas.stroke(line, dark, 0.028)
    for line in ([crank, seat, (-0.135, -0.56)], [seat, head], [crank, head], [(hub, -height), (0.175, -0.58)]):
        canvas.stroke(line, paint, 0.038)
    canvas.stroke([seat + np.array([0.02, -0.008]), head + np.array([-0.02, -0.008])], mix(paint, WHITE, 0.45), 0.009)
    canvas.polygon([(-0.24, -0.6), (-0.1, -0.595), (-0.02, -0.575), (-0.1, -0.56), (-0.22, -0.555)], tan, smooth=True)
    canvas.stroke([(0.175, -0.58), (0.165, -0.64), (0.24, -0.65), (0.27, -0.6)], (70, 74, 82), 0.026, smooth=True)
    canvas.stroke([(0.235, -0.65), (0.27, -0.6)], tan, 0.034)
    canvas.polygon(oval(*crank, 0.055), (92, 96, 104))
    canvas.stroke([crank, (0.03, -0.12)], (60, 64, 72), 0.02)
    canvas.stroke([(-0.005, -0.115), (0.065, -0.115)], BLACK, 0.024)


def draw_boat(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a sailing boat on its own stretch of water."""
    paint, sails = _paint("boat", rng), ((250, 248, 240), (250, 240, 216), (244, 214, 196), (238, 244, 250))
    water = mix((62, 134, 172), (70, 160, 160), rng.uniform(0, 1))
    canvas.polygon(oval(0, 0.03, 1.9, 0.16), mix(water, WHITE, 0.45))
    canvas.polygon(oval(0, 0.035, 1.87, 0.148), mix(water, WHITE, 0.3), mix(water, BLACK, 0.1))
    glints = [oval(rng.uniform(-1, 1), rng.uniform(-0.07, 0.16), rng.uniform(0.05, 0.14), 0.006) for _ in range(12)]
    canvas.polygon(np.array(glints), mix(water, WHITE, 0.6))
    canvas.soft([(-0.45, 0), (0.46, 0), (0.3, 0.12), (-0.34, 0.12)], mix(paint, BLACK, 0.35), 0.5, 0.02)
    sail, top = sails[rng.integers(len(sails))], rng.uniform(0.95, 1.05)
    canvas.stroke([(0.0, -0.14), (0.0, -top - 0.03)], (112, 82, 58), 0.024)
    main = [(-0.03, -top + 0.03), (-0.2, -0.55), (-0.42, -0.24), (-0.2, -0.235), (-0.03, -0.25)]
    canvas.polygon(main, mix(sail, WHITE, 0.3), mix(sail, (120, 120, 140), 0.22))
    if rng.uniform() < 0.5:
        band = [(-0.03, -0.62), (-0.165, -0.62), (-0.235, -0.49), (-0.03, -0.49)]
        canvas.polygon(band, mix(paint, sail, 0.15))
    jib = [(0.035, -top + 0.1), (0.2, -0.5), (0.43, -0.23), (0.2, -0.25), (0.04, -0.28)]
    canvas.polygon(jib, mix(sail, (170, 170, 190), 0.2), mix(sail, (120, 120, 140), 0.38))
    canvas.stroke([(-0.44, -0.21), (0.0, -0.21)], (112, 82, 58), 0.02)
    canvas.polygon([(0, -top - 0.03), (-0.1, -top - 0.005), (0, -top + 0.02)], paint)
    canvas.polygon(box(-0.2, -0.21, 0.08, -0.1), (246, 242, 234), (206, 200, 194))
    canvas.polygon(np.array([oval(x, -0.16, 0.022) for x in (-0.13, -0.05, 0.03)]), GLASS)
    hull = [(-0.47, -0.15), (0.5, -0.17), (0.42, -0.05), (0.34, 0.03), (-0.36, 0.03), (-0.44, -0.06)]
    canvas.polygon(hull, mix(paint, WHITE, 0.12), mix(paint, BLACK, 0.35))
    canvas.polygon([(-0.475, -0.16), (0.51, -0.18), (0.49, -0.145), (-0.465, -0.125)], (250, 250, 248))
    canvas.soft([(-0.4, 0.03), (0.38, 0.03), (0.36, 0.045), (-0.38, 0.045)], WHITE, 0.7, 0.008)


def draw_car(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a car from the side; the length of its roof makes it a saloon, a hatchback or an estate."""
    paint, back = _paint("car", rng), rng.uniform(-0.42, -0.24)
    dark, light = mix(paint, BLACK, 0.35), mix(paint, WHITE, 0.3)
    roof = [(-0.47, -0.24), (back, -0.425), (back + 0.1, -0.445), (0.1, -0.44), (0.17, -0.415), (0.31, -0.26)]
    canvas.polygon([*roof, (0.31, -0.2), (-0.47, -0.2)], light, paint)
    rear = [(back - 0.035 + 0.02, -0.265), (back + 0.045, -0.4), (-0.055, -0.405), (-0.055, -0.265)]
    front = [(-0.02, -0.265), (-0.02, -0.405), (0.1, -0.4), (0.145, -0.385), (0.255, -0.265)]
    for pane in (rear, front):
        canvas.polygon(pane, mix(GLASS, BLACK, 0.3), mix(GLASS, WHITE, 0.35))
    canvas.polygon([(0.0, -0.265), (0.05, -0.405), (0.08, -0.405), (0.03, -0.265)], mix(GLASS, WHITE, 0.5))
    body = [(-0.49, -0.13), (-0.49, -0.25), (-0.45, -0.28), (0.27, -0.275), (0.42, -0.245), (0.49, -0.2), (0.5, -0.1)]
    body += [(0.47, -0.07), (-0.47, -0.07)]
    canvas.polygon(body, mix(paint, WHITE, 0.15), dark)
    canvas.stroke([(-0.47, -0.245), (0.4, -0.225)], light, 0.012)
    canvas.polygon(box(-0.49, -0.105, 0.5, -0.07), mix(paint, BLACK, 0.6))
    for x in (-0.04, 0.22):
        canvas.stroke([(x, -0.26), (x, -0.11)], mix(paint, BLACK, 0.4), 0.007)
    canvas.stroke([(-0.12, -0.21), (-0.075, -0.21)], mix(paint, BLACK, 0.5), 0.012)
    canvas.polygon([(0.43, -0.22), (0.485, -0.19), (0.48, -0.155), (0.42, -0.18)], (255, 246, 206))
    canvas.polygon(box(-0.495, -0.24, -0.45, -0.18), (190, 30, 34))
    for x in (-0.29, 0.3):
        canvas.polygon(oval(x, -0.105, 0.118), mix(paint, BLACK, 0.7))
        canvas.polygon(oval(x, -0.095, 0.1), (34, 36, 42))
        canvas.polygon(oval(x, -0.095, 0.06), (206, 210, 216), (140, 146, 156))
        canvas.polygon(oval(x, -0.095, 0.022), (84, 88, 96))
