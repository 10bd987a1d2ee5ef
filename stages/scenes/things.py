"""What stands on the ground: dog, house, road sign and tree. Each is about 1 wide and stands on y = 0 about x = 0."""

import numpy as np

from stages.scenes.canvas import Canvas
from stages.scenes.shapes import box, mix, oval

BLACK, WHITE = (26, 26, 30), (255, 255, 255)
COATS = ((196, 140, 76), (146, 90, 52), (206, 160, 104), (176, 104, 56), (120, 76, 48))
WALLS = ((240, 224, 194), (232, 196, 160), (238, 236, 230), (206, 130, 104), (236, 214, 130), (190, 206, 214))
ROOFS = ((170, 74, 56), (134, 62, 54), (96, 82, 84), (184, 98, 62))
LEAVES = ((74, 132, 62), (96, 148, 58), (56, 112, 70), (110, 146, 60))


def draw_dog(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a standing dog that looks to the right, plain or with a white chest and patches."""
    coat = mix(COATS[rng.integers(len(COATS))], WHITE, rng.uniform(0, 0.12))
    dark, shade, light = mix(coat, BLACK, 0.45), mix(coat, (40, 24, 30), 0.25), mix(coat, WHITE, 0.28)
    chest = mix((250, 244, 234), coat, 0.15) if rng.uniform() < 0.5 else light
    tail, nod = rng.uniform(-0.14, 0.1), rng.uniform(-0.03, 0.04)
    canvas.stroke([(-0.33, -0.5), (-0.43, -0.58), (-0.47, -0.74 - tail)], coat, 0.075, smooth=True)
    for x in (-0.2, 0.19):
        canvas.polygon([(x - 0.055, -0.4), (x + 0.07, -0.4), (x + 0.05, 0), (x - 0.03, 0)], shade, dark)
    body = [(-0.37, -0.5), (-0.28, -0.6), (0.0, -0.585), (0.2, -0.62), (0.3, -0.5), (0.27, -0.33), (0.1, -0.27)]
    body += [(-0.12, -0.31), (-0.3, -0.28), (-0.38, -0.38)]
    canvas.polygon(body, light, shade, smooth=True)
    for x in (-0.31, 0.14):
        canvas.polygon(
            [(x - 0.06, -0.42), (x + 0.085, -0.42), (x + 0.05, -0.16), (x + 0.045, -0.02)]
            + [(x + 0.075, 0.0), (x - 0.035, 0.0), (x - 0.035, -0.18)],
            coat,
            mix(coat, chest, 0.5),
        )
    if rng.uniform() < 0.4:
        canvas.polygon([(-0.16, -0.6), (0.04, -0.6), (0.06, -0.46), (-0.06, -0.4), (-0.18, -0.47)], dark, smooth=True)
    canvas.polygon([(0.16, -0.6), (0.24, -0.78), (0.37, -0.68), (0.32, -0.48), (0.22, -0.42)], coat, chest, smooth=True)
    head = canvas.at(0.3, -0.78 + nod)
    head.polygon(
        [(-0.15, -0.03), (-0.08, -0.16), (0.04, -0.15), (0.1, -0.06), (0.24, -0.03), (0.25, 0.06)]
        + [(0.1, 0.12), (-0.05, 0.13)],
        light,
        coat,
        smooth=True,
    )
    head.polygon([(0.1, 0.0), (0.24, -0.01), (0.25, 0.07), (0.1, 0.12), (0.03, 0.09)], chest, smooth=True)
    head.polygon(oval(0.245, -0.012, 0.034, 0.028), BLACK)
    head.stroke([(0.23, 0.065), (0.12, 0.075)], dark, 0.012)
    head.polygon(oval(0.055, -0.055, 0.023), BLACK)
    head.polygon(oval(0.062, -0.062, 0.008), WHITE)
    head.polygon(
        [(-0.09, -0.15), (-0.03, -0.12), (-0.02, 0.02), (-0.08, 0.12), (-0.15, 0.06), (-0.16, -0.06)],
        dark,
        mix(dark, coat, 0.4),
        smooth=True,
    )
    canvas.stroke([(0.19, -0.53), (0.26, -0.5), (0.335, -0.57)], (200, 40, 50), 0.036, smooth=True)
    canvas.polygon(oval(0.275, -0.475, 0.024), (240, 200, 80))


def draw_house(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a house with its gable to the left and its long side, under a pitched roof, to the right."""
    wall = mix(WALLS[rng.integers(len(WALLS))], WHITE, rng.uniform(0, 0.15))
    roof = mix(ROOFS[rng.integers(len(ROOFS))], BLACK, rng.uniform(0, 0.12))
    trim, pane = (250, 248, 244), (96, 130, 156)
    eaves, top = -0.44, -0.8
    canvas.polygon(box(0.14, -0.92, 0.25, -0.6), (166, 92, 76), (130, 72, 62))
    canvas.polygon(box(0.125, -0.94, 0.265, -0.9), (110, 84, 80))
    canvas.polygon(box(-0.03, eaves - 0.04, 0.46, 0), mix(wall, (70, 60, 90), 0.16), mix(wall, (60, 50, 70), 0.3))
    canvas.polygon(
        [(-0.46, 0), (-0.46, eaves), (-0.24, top + 0.03), (-0.02, eaves), (-0.02, 0)], mix(wall, WHITE, 0.25), wall
    )
    canvas.polygon(
        [(-0.25, top), (0.36, top), (0.52, eaves + 0.03), (0.02, eaves + 0.03)], mix(roof, WHITE, 0.18), roof
    )
    for step in np.linspace(0.2, 0.8, 4):
        left, right = -0.25 + 0.27 * step, 0.36 + 0.16 * step
        y = top + (eaves + 0.03 - top) * step
        canvas.stroke([(left, y), (right, y)], mix(roof, BLACK, 0.25), 0.008)
    canvas.stroke([(-0.52, eaves + 0.05), (-0.245, top), (0.025, eaves + 0.04)], mix(roof, BLACK, 0.3), 0.045)
    canvas.soft(box(-0.02, eaves + 0.02, 0.47, eaves + 0.06), BLACK, 0.3, 0.02)
    for x, y, width, height in (
        (-0.24, -0.53, 0.1, 0.12),
        (-0.36, -0.27, 0.1, 0.15),
        (0.12, -0.25, 0.12, 0.15),
        (0.34, -0.25, 0.12, 0.15),
    ):
        canvas.polygon(
            box(x - width / 2 - 0.015, y - height / 2 - 0.015, x + width / 2 + 0.015, y + height / 2 + 0.015), trim
        )
        canvas.polygon(
            box(x - width / 2, y - height / 2, x + width / 2, y + height / 2),
            mix(pane, BLACK, 0.25),
            mix(pane, WHITE, 0.3),
        )
        canvas.stroke([(x, y - height / 2), (x, y + height / 2)], trim, 0.01)
    door = ((120, 70, 50), (60, 96, 120), (150, 50, 46), (70, 104, 76))[rng.integers(4)]
    canvas.polygon(box(-0.2, -0.31, -0.06, 0), trim)
    canvas.polygon(box(-0.185, -0.295, -0.075, 0), mix(door, WHITE, 0.15), door)
    canvas.polygon(oval(-0.095, -0.14, 0.011), (240, 206, 110))
    shrubs = [oval(x, -0.03, rng.uniform(0.05, 0.08), 0.06) for x in rng.uniform(0.04, 0.42, 4)]
    canvas.polygon(np.array(shrubs), (70, 116, 66))
    canvas.polygon(np.array(shrubs) * (1, 0.7) - (0.012, 0.03), (98, 146, 80))


def draw_road_sign(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw one of four road signs on its post: give way, stop, speed limit, direction."""
    red, blue, y, reach = (204, 32, 40), (28, 92, 178), -1.0, 0.5
    canvas.polygon(box(-0.045, y, 0.045, 0), (178, 182, 188))
    canvas.polygon(box(0.005, y, 0.045, 0), (124, 130, 138))
    kind = rng.integers(4)
    disc = canvas.at(0, y, reach, angle=rng.uniform(-4, 4))
    triangle = np.array([(-1.08, 0.78), (0, -1.1), (1.08, 0.78)])
    disc.soft((triangle if kind == 0 else oval(0, 0, 1)) + (0.04, 0.06), (20, 20, 40), 0.25, 0.05)
    if kind == 0:
        disc.stroke(triangle * 0.95, red, 0.2, closed=True)
        disc.polygon(triangle, mix(red, WHITE, 0.08), mix(red, BLACK, 0.1))
        disc.polygon(triangle * 0.6 + (0, 0.05), (252, 250, 246))
        disc.stroke([(0, -0.32), (0, 0.16)], BLACK, 0.17)
        disc.polygon(oval(0, 0.4, 0.1), BLACK)
    elif kind == 1:
        turns = np.radians(np.arange(22.5, 360, 45))
        corners = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        disc.polygon(corners * 1.06, (250, 250, 248))
        disc.polygon(corners * 0.97, mix(red, WHITE, 0.1), mix(red, BLACK, 0.12))
        disc.text("STOP", 0, 0, 0.46, WHITE, 0.12)
    elif kind == 2:
        disc.polygon(oval(0, 0, 1.02), mix(red, WHITE, 0.08), mix(red, BLACK, 0.12))
        disc.polygon(oval(0, 0, 0.74), (254, 252, 248), (232, 232, 234))
        disc.text(("30", "50", "60", "80")[rng.integers(4)], 0, 0, 0.78, BLACK, 0.17)
    else:
        disc.polygon(oval(0, 0, 1.02), (246, 248, 250))
        disc.polygon(oval(0, 0, 0.94), mix(blue, WHITE, 0.15), mix(blue, BLACK, 0.1))
        arrow = disc.at(0, 0, angle=(-90, 0, 45, 90)[rng.integers(4)])
        arrow.polygon(
            [(-0.13, 0.6), (-0.13, -0.1), (-0.42, -0.1), (0, -0.65), (0.42, -0.1), (0.13, -0.1), (0.13, 0.6)], WHITE
        )
    canvas.soft(oval(-0.15, y - 0.2, 0.18, 0.1), WHITE, 0.18, 0.06)


def draw_tree(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a leafy tree: a trunk with two boughs, and a crown of clumps that are lighter towards the top."""
    leaf = mix(LEAVES[rng.integers(len(LEAVES))], (60, 120, 70), rng.uniform(0, 0.25))
    bark = mix((112, 80, 56), (90, 84, 78), rng.uniform(0, 1))
    trunk = [(-0.12, 0.0), (-0.065, -0.1), (-0.05, -0.5), (0.05, -0.5), (0.065, -0.1), (0.13, 0.0)]
    canvas.polygon(trunk, mix(bark, BLACK, 0.2), bark, smooth=True)
    canvas.soft(box(0.015, -0.45, 0.06, -0.03), BLACK, 0.35, 0.015)
    canvas.stroke([(0, -0.3), (0.16, -0.52)], mix(bark, BLACK, 0.15), 0.045)
    canvas.stroke([(0, -0.26), (-0.17, -0.5)], bark, 0.04)
    turns = np.radians(np.arange(0, 360, 40) + rng.uniform(-12, 12, 9))
    centres = np.stack([0.3 * np.cos(turns), -0.76 + 0.29 * np.sin(turns)], axis=1)
    centres = np.concatenate([centres, [(0, -0.78), (-0.1, -0.9), (0.12, -0.68)]])
    sizes = rng.uniform(0.15, 0.21, len(centres))
    for lift, tone, share in ((0.0, BLACK, 0.38), (0.035, BLACK, 0.14)):
        crown = [oval(x - 0.4 * lift, y - lift, r * (1 - 1.6 * lift)) for (x, y), r in zip(centres, sizes, strict=True)]
        canvas.polygon(np.array(crown), mix(leaf, tone, share))
    tops = [oval(x - 0.035, y - 0.06, 0.7 * r, 0.58 * r) for (x, y), r in zip(centres, sizes, strict=True)]
    canvas.polygon(np.array(tops), mix(leaf, (255, 240, 140), 0.08))
    for share, count in ((0.3, 26), (-0.3, 20)):
        turn, far = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.uniform(0, 1, count))
        low = 0.12 if share < 0 else -0.1
        flecks = np.stack([0.4 * far * np.cos(turn), -0.76 + low + 0.34 * far * np.sin(turn)], axis=1)
        fleck = mix(leaf, (255, 246, 150), share) if share > 0 else mix(leaf, BLACK, -share)
        canvas.polygon(np.array([oval(x, y, 0.026, 0.016, -25) for x, y in flecks]), fleck)
    canvas.soft(oval(-0.14, -0.96, 0.2, 0.14), (255, 250, 190), 0.28, 0.08)
