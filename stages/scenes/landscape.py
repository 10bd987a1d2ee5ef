"""Parts of a landscape, from far to near: ridges, woods, pines, rows of buildings, and the texture of the ground."""

import cv2
import numpy as np

from stages.scenes.canvas import Canvas
from stages.scenes.shapes import Colour, box, mix, oval

FACADES = ((214, 178, 150), (226, 208, 176), (190, 120, 100), (176, 190, 200), (204, 196, 186), (168, 148, 136))


def ridge(
    canvas: Canvas, rng: np.random.Generator, y: float, height: float, colour: Colour, *, peaks: int = 5
) -> np.ndarray:
    """Draw a line of hills that rise up to `height` above `y`; return its outline (peaks + 5, 2)."""
    x = np.linspace(-0.2, 1.2, peaks + 3) + rng.uniform(-0.04, 0.04, peaks + 3)
    line = np.stack([x, y - height * rng.uniform(0.05, 1, peaks + 3)], axis=1)
    outline = np.concatenate([line, [(1.5, 1.3), (-0.5, 1.3)]])
    canvas.polygon(outline, mix(colour, (255, 255, 255), 0.05), mix(colour, (30, 50, 40), 0.12), smooth=True)
    return outline


def mountains(canvas: Canvas, rng: np.random.Generator, y: float, colour: Colour) -> None:
    """Draw jagged mountains with snow on their tops and one side in the shade."""
    for x in rng.permutation(np.linspace(0.0, 1.0, 5)) + rng.uniform(-0.07, 0.07, 5):
        height, width = rng.uniform(0.14, 0.3), rng.uniform(0.2, 0.3)
        peak = (x, y - height)
        canvas.polygon([peak, (x + width, y + 0.02), (x - width, y + 0.02)], colour)
        fold = (x + 0.15 * width, y - 0.5 * height)
        canvas.polygon(
            [peak, (x + width, y + 0.02), (x + 0.2 * width, y + 0.02), fold], mix(colour, (60, 70, 110), 0.28)
        )
        cap = [(-0.30, 0.30), (-0.12, 0.24), (-0.02, 0.36), (0.1, 0.25), (0.2, 0.34), (0.29, 0.29)]
        snow = [peak] + [(x + width * right, y - height * (1 - down)) for right, down in reversed(cap)]
        canvas.polygon(snow, mix(colour, (250, 252, 255), 0.85))


def wood(canvas: Canvas, rng: np.random.Generator, y: float, height: float, colour: Colour) -> None:
    """Draw a row of distant leafy trees, lighter on top."""
    x = np.arange(-0.05, 1.1, height * 0.75)
    tops = y - height * rng.uniform(0.35, 0.8, len(x))
    crowns = [oval(a, b, height * rng.uniform(0.4, 0.7), height * 0.62) for a, b in zip(x, tops, strict=True)]
    canvas.polygon(box(-0.1, y - 0.45 * height, 1.1, y + 0.01), mix(colour, (20, 40, 40), 0.2))
    canvas.polygon(np.array(crowns), mix(colour, (20, 40, 40), 0.15))
    canvas.polygon(np.array(crowns) * (1, 1) - (0.01, 0.018), colour)
    lights = [
        oval(a - 0.3 * height, b - 0.25 * height, 0.3 * height, 0.22 * height) for a, b in zip(x, tops, strict=True)
    ]
    canvas.soft(np.array(lights), mix(colour, (255, 250, 190), 0.4), 0.55, 0.012)


def pines(canvas: Canvas, rng: np.random.Generator, y: float, height: float, colour: Colour) -> None:
    """Draw a loose row of distant conifers."""
    for x in np.arange(-0.03, 1.05, 0.055) + rng.uniform(-0.02, 0.02, 20):
        tall = height * rng.uniform(0.45, 1.0)
        tiers = [(0.0, 1.0), (0.16, 0.62), (0.09, 0.62), (0.24, 0.3), (0.14, 0.3), (0.3, 0.0)]
        right = [(x + tall * a, y - tall * b) for a, b in tiers]
        left = [(x - tall * a, y - tall * b) for a, b in reversed(tiers)]
        canvas.polygon(right + left, mix(colour, (255, 255, 255), rng.uniform(0, 0.12)))


def buildings(canvas: Canvas, rng: np.random.Generator, y: float, height: float, haze: Colour, far: float) -> None:
    """Draw a row of buildings with windows, faded into the haze by the share `far`."""
    x = -0.06
    while x < 1.04:
        width, top = rng.uniform(0.1, 0.19), y - height * rng.uniform(0.5, 1.0)
        wall = mix(FACADES[rng.integers(len(FACADES))], haze, far)
        canvas.polygon(box(x, top, x + width, y), mix(wall, (255, 255, 255), 0.08), mix(wall, (60, 50, 60), 0.1))
        canvas.polygon(box(x - 0.004, top - 0.012, x + width + 0.004, top + 0.008), mix(wall, (70, 60, 60), 0.35))
        across, down = max(2, round(width / 0.05)), max(2, round((y - top) / 0.075))
        pitch, drop = width / across, (y - top) / down
        panes = [
            box(x + (i + 0.25) * pitch, top + (j + 0.32) * drop, x + (i + 0.75) * pitch, top + (j + 0.8) * drop)
            for i in range(across)
            for j in range(down)
        ]
        canvas.polygon(np.array(panes), mix(wall, (62, 82, 104), 0.5 - 0.2 * far))
        canvas.polygon(box(x + width - 0.012, top, x + width, y), mix(wall, (50, 45, 60), 0.22))
        x += width


def ground(canvas: Canvas, rng: np.random.Generator, top: float, far: Colour, near: Colour, roughness: float) -> None:
    """Fill everything below `top`, with a texture that grows coarser towards the viewer."""
    canvas.polygon(box(-0.1, top, 1.1, 1.05), far, near)
    side = canvas.pixels.shape[0]
    first = round(top * side) + 1
    edges = [first, first + (side - first) // 6, first + (side - first) // 2, side]
    for upper, lower, columns in zip(edges[:3], edges[1:], (90, 60, 40), strict=True):
        noise = rng.standard_normal((9, columns), dtype=np.float32) * np.float32(roughness)
        noise = cv2.resize(noise, (side, lower - upper), interpolation=cv2.INTER_CUBIC)
        band = canvas.pixels[upper:lower]
        canvas.pixels[upper:lower] = np.clip(band + noise[..., None], 0, 255)
