"""Hair, in two parts: what falls behind the head, drawn before the face, and what lies over it, drawn after.

In the frame of the head: its middle at (0, 0), the crown at y = -1 and the chin at y = 1.
"""

import numpy as np

from stages.scenes.canvas import Canvas
from stages.scenes.identities import Identity
from stages.scenes.shapes import mix, oval

BLACK, WHITE = (24, 20, 24), (255, 246, 230)

# Outlines of the hair behind the head, right half, from the top to the ends.
_BEHIND = {
    "long": [(0.45, -1.16), (0.86, -0.8), (0.98, -0.1), (0.98, 0.7), (1.02, 1.3), (0.8, 1.62), (0.4, 1.6)],
    "wavy": [
        (0.45, -1.2),
        (0.9, -0.85),
        (1.08, -0.25),
        (0.98, 0.25),
        (1.16, 0.7),
        (1.02, 1.05),
        (1.12, 1.4),
        (0.6, 1.6),
    ],
    "bob": [(0.45, -1.17), (0.88, -0.82), (1.02, -0.1), (1.06, 0.5), (0.96, 0.82), (0.6, 0.86)],
    "fringe": [(0.45, -1.15), (0.86, -0.8), (0.95, -0.1), (0.97, 0.8), (0.98, 1.3), (0.55, 1.36)],
}
# Outlines of the hair over the face: over the skull from the left temple to the right one, then back by the hairline.
_OVER = {
    "long": [
        (-0.8, 0.35),
        (-0.87, -0.5),
        (-0.52, -1.1),
        (0, -1.2),
        (0.52, -1.1),
        (0.87, -0.5),
        (0.8, 0.35),
        (0.62, -0.1),
    ]
    + [(0.42, -0.52), (0.04, -0.86), (-0.04, -0.86), (-0.42, -0.52), (-0.62, -0.1)],
    "wavy": [
        (-0.84, 0.3),
        (-0.95, -0.5),
        (-0.56, -1.13),
        (0, -1.24),
        (0.56, -1.13),
        (0.95, -0.5),
        (0.86, 0.4),
        (0.7, 0.05),
    ]
    + [(0.62, -0.36), (0.2, -0.66), (-0.28, -0.82), (-0.54, -0.5), (-0.66, -0.1)],
    "bob": [(-0.84, 0.4), (-0.95, -0.4), (-0.56, -1.1), (0, -1.2), (0.56, -1.1), (0.95, -0.4), (0.84, 0.4), (0.66, 0.0)]
    + [(0.6, -0.34), (0.3, -0.42), (-0.1, -0.56), (-0.34, -0.74), (-0.56, -0.44), (-0.66, 0.0)],
    "fringe": [
        (-0.82, 0.5),
        (-0.9, -0.5),
        (-0.54, -1.1),
        (0, -1.18),
        (0.54, -1.1),
        (0.9, -0.5),
        (0.82, 0.5),
        (0.66, 0.1),
    ]
    + [(0.6, -0.3), (0.3, -0.27), (0, -0.25), (-0.3, -0.27), (-0.6, -0.3), (-0.66, 0.1)],
    "crop": [(-0.76, -0.08), (-0.82, -0.58), (-0.5, -1.06), (0, -1.14), (0.5, -1.06), (0.82, -0.58), (0.76, -0.08)]
    + [(0.66, -0.34), (0.5, -0.6), (0.2, -0.66), (-0.2, -0.66), (-0.5, -0.6), (-0.66, -0.34)],
    "side": [(-0.78, -0.02), (-0.84, -0.6), (-0.5, -1.1), (0.05, -1.26), (0.58, -1.16), (0.88, -0.66), (0.78, -0.02)]
    + [(0.67, -0.32), (0.56, -0.56), (0.2, -0.56), (-0.18, -0.68), (-0.42, -0.84), (-0.58, -0.58), (-0.67, -0.3)],
    "quiff": [(-0.76, -0.1), (-0.8, -0.55), (-0.66, -0.98), (-0.3, -1.32), (0.2, -1.42), (0.66, -1.2), (0.8, -0.6)]
    + [(0.76, -0.1), (0.66, -0.36), (0.54, -0.66), (0.2, -0.76), (-0.2, -0.7), (-0.52, -0.64), (-0.66, -0.36)],
    "bun": [
        (-0.76, 0.0),
        (-0.8, -0.55),
        (-0.5, -1.04),
        (0, -1.12),
        (0.5, -1.04),
        (0.8, -0.55),
        (0.76, 0.0),
        (0.68, -0.3),
    ]
    + [(0.5, -0.64), (0.0, -0.78), (-0.5, -0.64), (-0.68, -0.3)],
    "receding": [(-0.76, 0.1), (-0.86, -0.3), (-0.72, -0.8), (-0.3, -1.06), (0.3, -1.06), (0.72, -0.8), (0.86, -0.3)]
    + [(0.76, 0.1), (0.68, -0.3), (0.6, -0.66), (0.3, -0.94), (0, -0.86), (-0.3, -0.94), (-0.6, -0.66), (-0.68, -0.3)],
}


def draw_hair_behind(head: Canvas, person: Identity) -> None:
    """Draw the part of the hair that the face and the neck hide: long hair, an afro, a bun."""
    dark = mix(person.hair, BLACK, 0.4)
    if person.style in _BEHIND:
        right = np.array(_BEHIND[person.style])
        outline = np.concatenate([right, (right * (-1, 1))[::-1]])
        head.polygon(outline, mix(person.hair, BLACK, 0.15), dark, smooth=True)
    elif person.style == "afro":
        head.polygon(_curls(0.86, 13, 0.34, 1.0), dark)
        head.polygon(oval(0, -0.5, 1.08, 0.95), mix(person.hair, BLACK, 0.2))
    elif person.style == "bun":
        head.polygon(oval(0, -1.28, 0.36, 0.33), mix(person.hair, WHITE, 0.1), dark)
        head.stroke([(-0.2, -1.3), (0, -1.42), (0.2, -1.32)], mix(person.hair, WHITE, 0.25), 0.03, smooth=True)


def draw_hair(head: Canvas, person: Identity, side: int) -> None:
    """Draw the hair over the forehead and the temples, with strands that catch the light from `side`."""
    light = mix(person.hair, WHITE, 0.22)
    if person.style == "bald":
        head.soft(oval(0.25 * side, -0.8, 0.2, 0.1), WHITE, 0.35, 0.07)
        return
    if person.style in ("curly", "afro"):
        wide, size = (0.74, 0.24) if person.style == "curly" else (0.84, 0.25)
        head.polygon(_curls(wide, 11, size, 0.6), mix(person.hair, BLACK, 0.12))
        head.polygon(_curls(wide - 0.08, 8, size * 0.95, 0.5) - (0, 0.04), person.hair)
        head.polygon(_curls(wide, 10, size * 0.4, 0.5) + (0.05 * side, -0.08), mix(person.hair, WHITE, 0.07))
        head.polygon(_curls(wide - 0.18, 7, size * 0.4, 0.4) + (0.05 * side, -0.05), mix(person.hair, WHITE, 0.05))
        return
    outline = np.array(_OVER[person.style])
    head.soft(
        outline + (0, 0.06),
        mix(person.skin, (60, 20, 20), 0.6),
        0.35,
        0.04,
        smooth=True,
        within=head.mask(oval(0, -0.2, person.cheek * 0.97, 0.8)),
    )
    head.polygon(outline, mix(person.hair, WHITE, 0.12), mix(person.hair, BLACK, 0.2), smooth=True)
    area = head.mask(outline, smooth=True)
    head.soft(oval(0.35 * side, -0.9, 0.3, 0.14), light, 0.7, 0.09, within=area)
    for x in (-0.52, -0.2, 0.14, 0.46):
        strand = [(0.35 * x, -1.08), (0.95 * x, -0.96), (1.32 * x, -0.66)]
        head.stroke(strand, light if x * side > 0 else mix(person.hair, BLACK, 0.25), 0.022, smooth=True)


def _curls(reach: float, count: int, size: float, low: float) -> np.ndarray:
    """Return circles along an arch over the head, from ear to ear, whose ends hang down to `low` below the middle."""
    turn = np.linspace(-0.1 * low, 1 + 0.1 * low, count) * np.pi
    x, y = -reach * np.cos(turn), -0.32 - (reach - 0.05) * np.sin(turn)
    sizes = size * (1 + 0.12 * np.sin(np.arange(count) * 2.4))
    return np.array([oval(a, b, c) for a, b, c in zip(x, y, sizes, strict=True)])
