"""A person from the waist up: clothes, neck, and the head with its hair and face."""

from typing import NamedTuple

import numpy as np

from stages.scenes.canvas import Canvas
from stages.scenes.face import Pose, draw_face
from stages.scenes.hair import draw_hair, draw_hair_behind
from stages.scenes.identities import PEOPLE, Identity
from stages.scenes.shapes import Colour, box, mix, oval

BLACK, WHITE = (24, 24, 32), (255, 255, 255)

# Cloth and second colour; outfits of one colour have similar averages. After the underscore: the cut or the pattern.
OUTFITS: dict[str, tuple[Colour, Colour]] = {
    "navy_stripes": ((46, 60, 104), (206, 212, 222)),
    "navy_blazer": ((68, 82, 122), (224, 228, 236)),
    "mustard_check": ((216, 164, 70), (238, 210, 150)),
    "mustard_knit": ((226, 180, 92), (186, 134, 52)),
    "red_check": ((196, 68, 64), (104, 44, 54)),
    "red_hoodie": ((168, 60, 62), (230, 206, 198)),
    "green_jacket": ((82, 116, 90), (206, 206, 188)),
    "green_stripes": ((62, 102, 84), (200, 212, 198)),
}
_TORSO = [(0.3, 1.08), (0.62, 1.2), (1.12, 1.34), (1.42, 1.66), (1.54, 2.3), (1.6, 3.6), (1.6, 4.6)]


class Extent(NamedTuple):
    """The ends of what was drawn, as shares of the picture; they may lie beyond it."""

    left: float
    top: float
    right: float
    bottom: float


def draw_person(
    canvas: Canvas, identity: int, rng: np.random.Generator, *, x: float, side: int
) -> tuple[Extent, Extent]:
    """Draw one of the people, from the waist up, in front of whatever is there.

    Parameters
    ----------
    canvas : Canvas
        Where to draw.
    identity : int
        Whom: an index into `PEOPLE`.
    rng : numpy.random.Generator
        Decides place, size, tilt, expression and light; never how the person looks.
    x : float
        About where the person stands, from 0 to 1.
    side : int
        Where the light comes from: -1 for the left, 1 for the right.

    Returns
    -------
    head : Extent
        With its ears, and its hair down to the chin.
    person : Extent
        Head, all of its hair, and body.
    """
    person = PEOPLE[identity]
    glow = rng.uniform(-0.2, 0.1, 3) * (1, 0, 0) + (0, *rng.uniform(-0.08, 0.08, 2))
    person = person._replace(skin=_lit(person.skin, glow[0]), hair=_lit(person.hair, glow[0] + 2 * glow[1]))
    cloth, second = (_lit(colour, glow[0] + 2 * glow[2]) for colour in OUTFITS[person.outfit])
    scale = rng.uniform(0.132, 0.164)
    body = canvas.at(x + rng.uniform(-0.09, 0.09), rng.uniform(0.475, 0.555), scale).noting()
    body.soft([(-1.0, -0.8), (1.0, -0.8), (1.7, 1.5), (1.8, 4.6), (-1.8, 4.6), (-1.7, 1.5)], BLACK, 0.09, 0.16)
    pose = Pose(
        turn=rng.uniform(-0.1, 0.1),
        smile=rng.uniform(0, 1),
        open=rng.uniform(0.88, 1.1),
        lift=rng.uniform(-0.01, 0.04),
        gaze=rng.uniform(-0.03, 0.03),
        side=side,
    )
    head = body.at(0, 0.9, angle=rng.uniform(-9, 9)).at(0, -0.9).noting()
    behind = head.noting()
    draw_hair_behind(behind, person)
    _draw_torso(body, person, cloth, second, side)
    draw_face(head, person, pose)
    draw_hair(head, person, side)
    face, hair = head.noted(), behind.noted()
    margin = 1 / canvas.pixels.shape[0]  # that antialiasing adds
    return (
        _extent(np.concatenate([face, hair[hair[:, 1] <= face[:, 1].max()]]), margin),
        _extent(np.concatenate([face, hair, body.noted()]), margin),
    )


def _extent(corners: np.ndarray, margin: float) -> Extent:
    return Extent(*(corners.min(axis=0) - margin), *(corners.max(axis=0) + margin))


def _lit(colour: Colour, glow: float) -> Colour:
    """Lighten (above 0) or darken a colour, as more or less light on it would."""
    red, green, blue = (min(255.0, part * (1 + glow)) for part in colour)
    return red, green, blue


def _draw_torso(body: Canvas, person: Identity, cloth: Colour, second: Colour, side: int) -> None:
    right = np.array(_TORSO)
    outline = np.concatenate([(right * (-1, 1))[::-1], right])
    cut = person.outfit.split("_")[1]
    body.polygon(outline, mix(cloth, WHITE, 0.1), mix(cloth, BLACK, 0.22), smooth=True)
    area = body.mask(outline, smooth=True)
    if cut in ("stripes", "check"):
        _draw_pattern(body, area, cloth, second, cut)
    _draw_neck(body, person)
    _CUTS[cut](body, person, cloth, second)
    for arm in (-1, 1):
        crease = [(arm * 1.02, 1.95), (arm * 1.1, 2.5), (arm * 1.08, 4.6)]
        body.soft([*crease, (arm * 1.18, 4.6), (arm * 1.16, 2.5)], mix(cloth, BLACK, 0.6), 0.5, 0.04, within=area)
    shade = [(0.35, 1.0), (0.7, 4.6), (2.0, 4.6), (2.0, 1.0)]
    body.soft(np.array(shade) * (-side, 1), mix(cloth, (20, 10, 40), 0.7), 0.32, 0.2, within=area)
    body.soft(oval(0.75 * side, 1.42, 0.4, 0.14), mix(cloth, WHITE, 0.6), 0.28, 0.12, within=area)


def _draw_pattern(body: Canvas, area: np.ndarray, cloth: Colour, second: Colour, cut: str) -> None:
    """Draw stripes, or the two directions of a check, where the cloth is."""
    if cut == "stripes":
        stripes = [box(-1.7, y, 1.7, y + 0.09) for y in np.arange(1.5, 4.6, 0.3)]
        body.soft(np.array(stripes), second, 0.92, 0.012, within=area)
        return
    rows = [box(-1.7, y, 1.7, y + 0.14) for y in np.arange(1.3, 4.6, 0.36)]
    columns = [box(x, 1.0, x + 0.14, 4.6) for x in np.arange(-1.5, 1.5, 0.36)]
    body.soft(np.array(rows), second, 0.5, 0.012, within=area)
    body.soft(np.array(columns), second, 0.5, 0.012, within=area)


def _draw_neck(body: Canvas, person: Identity) -> None:
    skin, shade = mix(person.skin, (120, 50, 50), 0.12), mix(person.skin, (80, 24, 40), 0.5)
    neck = [(-0.32, 0.5), (0.32, 0.5), (0.33, 1.12), (0.44, 1.26), (0, 1.5), (-0.44, 1.26), (-0.33, 1.12)]
    body.polygon(neck, skin)
    body.soft(
        [(-0.42, 0.5), (0.42, 0.5), (0.34, 1.02), (0, 1.16), (-0.34, 1.02)], shade, 0.7, 0.05, within=body.mask(neck)
    )


def _draw_crew(body: Canvas, person: Identity, cloth: Colour, second: Colour) -> None:
    rim = [(-0.47, 1.2), (-0.3, 1.42), (0, 1.5), (0.3, 1.42), (0.47, 1.2)]
    body.stroke(rim, mix(cloth, BLACK, 0.28), 0.1, smooth=True)


def _draw_knit(body: Canvas, person: Identity, cloth: Colour, second: Colour) -> None:
    roll = [(-0.46, 1.02), (0, 1.16), (0.46, 1.02), (0.5, 1.3), (0, 1.5), (-0.5, 1.3)]
    body.polygon(roll, mix(cloth, WHITE, 0.14), second, smooth=True)
    for x in (-0.75, -0.45, 0.45, 0.75, 0.0):
        body.stroke([(x, 1.62), (x, 4.6)], mix(cloth, second, 0.55), 0.05)


def _draw_hoodie(body: Canvas, person: Identity, cloth: Colour, second: Colour) -> None:
    for arm in (-1, 1):
        hood = np.array([(0.34, 0.92), (0.7, 1.1), (0.74, 1.34), (0.3, 1.62), (0.06, 1.6), (0.36, 1.3)]) * (arm, 1)
        body.polygon(hood, mix(cloth, WHITE, 0.16), mix(cloth, BLACK, 0.25), smooth=True)
        body.stroke([(arm * 0.2, 1.58), (arm * 0.22, 2.1)], second, 0.05)
    body.stroke([(-0.6, 2.75), (0.6, 2.75)], mix(cloth, BLACK, 0.35), 0.05)


def _draw_collar(body: Canvas, person: Identity, cloth: Colour, second: Colour) -> None:
    body.stroke([(0, 1.5), (0, 4.6)], mix(cloth, BLACK, 0.35), 0.045)
    for arm in (-1, 1):
        wing = np.array([(0.34, 1.04), (0.54, 1.2), (0.34, 1.66), (0.0, 1.44)]) * (arm, 1)
        body.polygon(wing, mix(cloth, WHITE, 0.25), mix(cloth, WHITE, 0.02))
    body.polygon(np.array([oval(0.06, y, 0.035) for y in (1.8, 2.2, 2.6)]), mix(cloth, WHITE, 0.7))


def _draw_lapels(body: Canvas, person: Identity, cloth: Colour, second: Colour) -> None:
    body.polygon([(-0.42, 1.16), (0, 1.5), (0.42, 1.16), (0.3, 1.9), (0, 2.7), (-0.3, 1.9)], second)
    skin = mix(person.skin, (80, 24, 40), 0.3)
    body.polygon([(-0.26, 1.1), (0.26, 1.1), (0, 1.52)], skin)
    for arm in (-1, 1):
        wing = np.array([(0.3, 1.04), (0.42, 1.2), (0.24, 1.6), (0.0, 1.5)]) * (arm, 1)
        body.polygon(wing, WHITE, mix(second, BLACK, 0.1))
        lapel = np.array([(0.42, 1.14), (0.66, 1.24), (0.6, 1.66), (0.68, 1.72), (0.04, 2.75), (0.02, 2.6)]) * (arm, 1)
        body.polygon(lapel, mix(cloth, WHITE, 0.16), mix(cloth, BLACK, 0.1))
    body.stroke([(0, 2.7), (0, 4.6)], mix(cloth, BLACK, 0.4), 0.04)


def _draw_jacket(body: Canvas, person: Identity, cloth: Colour, second: Colour) -> None:
    body.polygon([(-0.36, 1.12), (0, 1.5), (0.36, 1.12), (0.2, 4.6), (-0.2, 4.6)], second, mix(second, BLACK, 0.15))
    body.polygon(
        [(-0.3, 1.08), (0.3, 1.08), (0.2, 1.34), (0, 1.42), (-0.2, 1.34)],
        mix(person.skin, (80, 24, 40), 0.22),
        smooth=True,
    )
    for arm in (-1, 1):
        wing = np.array([(0.32, 0.98), (0.6, 1.12), (0.66, 1.42), (0.3, 1.62), (0.26, 1.3)]) * (arm, 1)
        body.polygon(wing, mix(cloth, WHITE, 0.2), mix(cloth, BLACK, 0.12))
        body.stroke([(arm * 0.28, 1.5), (arm * 0.2, 4.6)], mix(cloth, BLACK, 0.35), 0.05)
        body.stroke([(arm * 0.5, 2.3), (arm * 0.86, 2.3)], mix(cloth, BLACK, 0.35), 0.05)


_CUTS = {
    "stripes": _draw_crew,
    "check": _draw_collar,
    "knit": _draw_knit,
    "hoodie": _draw_hoodie,
    "blazer": _draw_lapels,
    "jacket": _draw_jacket,
}
