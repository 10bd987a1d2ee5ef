"""The face: its outline and shading, eyes, brows, nose, mouth, beard and glasses.

All in the frame of the head: its middle at (0, 0), the crown at y = -1 and the chin at y = 1.
"""

from typing import NamedTuple

import numpy as np

from stages.scenes.canvas import Canvas
from stages.scenes.identities import Identity
from stages.scenes.shapes import Colour, mix, oval

BLACK, WHITE = (28, 22, 26), (255, 255, 255)


class Pose(NamedTuple):
    """Pose and expression: where the head turns, the smile, the eyes, the brows, and the side of the light."""

    turn: float
    smile: float
    open: float
    lift: float
    gaze: float
    side: int


def face_outline(person: Identity) -> np.ndarray:
    """Return the outline of a face, from the crown clockwise, as points of shape (14, 2)."""
    cheek, jaw, chin = person.cheek, person.jaw, person.chin
    right = [(0.42 * cheek, -1.0), (0.86 * cheek, -0.78), (cheek, -0.3), (cheek * 0.985, 0.12)]
    right += [(0.5 * (cheek + jaw) + 0.03, 0.44), (jaw, 0.7), (chin + 0.04, 0.94)]
    outline = np.array(right)
    return np.concatenate([outline, (outline * (-1, 1))[::-1]])


def draw_face(head: Canvas, person: Identity, pose: Pose) -> None:
    """Draw a face and everything on it but the hair of the head.

    Parameters
    ----------
    head : Canvas
        The frame of the head.
    person : Identity
        Whose face.
    pose : Pose
        Its expression, where it turns, and the light.
    """
    outline = face_outline(person)
    warm = mix(person.skin, (150, 50, 50), 0.28)
    for side in (-1, 1):
        ear = oval(side * (person.cheek + 0.02) - 0.4 * pose.turn, 0.12, 0.11, 0.19, -8 * side)
        head.polygon(ear, mix(person.skin, warm, 0.35), warm)
    head.polygon(outline, mix(person.skin, WHITE, 0.1), mix(person.skin, warm, 0.3), smooth=True)
    area = head.mask(outline, smooth=True)
    shade = [(0.42, -1.1), (0.5, -0.2), (0.45, 0.4), (0.2, 1.1), (1.1, 1.1), (1.1, -1.1)]
    head.soft(np.array(shade) * (-pose.side, 1), mix(person.skin, (60, 20, 50), 0.6), 0.42, 0.13, within=area)
    head.soft(oval(0.25 * pose.side, -0.5, 0.3, 0.22), mix(person.skin, (255, 250, 235), 0.6), 0.4, 0.16, within=area)
    features = head.at(pose.turn, 0)
    cheeks = np.array([oval(side * 0.42, 0.4, 0.16, 0.11) for side in (-1, 1)])
    features.soft(cheeks, mix(person.skin, (224, 72, 76), 0.5), 0.45, 0.09, within=area)
    if person.freckles:
        spots = [(0.25, 0.3), (0.36, 0.26), (0.47, 0.31), (0.31, 0.38), (0.43, 0.41), (0.12, 0.25)]
        dots = [oval(side * x, y, 0.022) for x, y in spots for side in (-1, 1)]
        features.polygon(np.array(dots), mix(person.skin, (150, 80, 40), 0.45))
    if person.beard:
        _draw_beard(features, person, pose, area)
    _draw_mouth(features, person, pose)
    _draw_nose(features, person, pose)
    for side in (-1, 1):
        _draw_eye(features, person, pose, side)
    if person.glasses:
        _draw_glasses(features, person)


def _draw_eye(features: Canvas, person: Identity, pose: Pose, side: int) -> None:
    eye = features.at(side * person.spread, 0.06, flip=side < 0)
    wide, high = person.eye, 0.62 * person.eye * pose.open
    rise = person.slant
    socket = mix(person.skin, (110, 50, 50), 0.5)
    eye.soft(oval(0, -0.02, wide * 1.3, high * 1.7), socket, 0.4, 0.05)
    upper = [(-wide, 0.02), (-0.45 * wide, -0.85 * high), (0.2 * wide, -high), (wide * 1.08, -rise)]
    lower = [(0.4 * wide, 0.72 * high), (-0.4 * wide, 0.75 * high)]
    eye.polygon(upper + lower, (226, 222, 222), (252, 250, 248), smooth=True)
    look = pose.gaze * (1 if side > 0 else -1)
    size = 0.092
    eye.polygon(
        oval(look, -0.005, size, min(size, 1.05 * high)), mix(person.iris, BLACK, 0.25), mix(person.iris, WHITE, 0.1)
    )
    eye.polygon(oval(look, -0.005, 0.046, min(0.046, 0.9 * high)), (18, 14, 18))
    eye.polygon(oval(look + 0.03 * (1 if side > 0 else -1), -0.04, 0.021), WHITE)
    eye.stroke(upper, mix(mix(person.hair, BLACK, 0.7), person.skin, 0.05), 0.04, smooth=True)
    brow = mix(mix(person.hair, BLACK, 0.3), person.skin, 0.1)
    y, thick = -0.2 - pose.lift, person.brow
    line = [(-1.1 * wide, y - 0.01), (-0.1 * wide, y - 0.045 - 0.4 * person.arch), (1.3 * wide, y + 0.01 + person.arch)]
    under = [(0.0, y - 0.04 - 0.4 * person.arch + 1.1 * thick), (-1.05 * wide, y - 0.01 + 1.2 * thick)]
    eye.polygon(line + under, brow, smooth=True)


def _draw_nose(features: Canvas, person: Identity, pose: Pose) -> None:
    wide, shade = person.nose, mix(person.skin, (110, 40, 40), 0.42)
    features.soft([(-0.05 * pose.side, -0.05), (-0.9 * wide * pose.side, 0.4), (0.0, 0.42)], shade, 0.6, 0.025)
    features.soft(oval(0, 0.4, wide, 0.05), shade, 0.8, 0.022)
    features.soft(
        [(0.02, -0.05), (0.05, 0.32), (-0.01, 0.32), (-0.02, -0.05)], mix(person.skin, WHITE, 0.5), 0.55, 0.025
    )
    features.soft(oval(0.1 * wide, 0.33, 0.5 * wide, 0.05), mix(person.skin, WHITE, 0.5), 0.5, 0.025)
    nostrils = np.array([oval(side * 0.55 * wide, 0.425, 0.028, 0.018) for side in (-1, 1)])
    features.polygon(nostrils, mix(person.skin, (60, 20, 24), 0.62))


def _draw_mouth(features: Canvas, person: Identity, pose: Pose) -> None:
    wide, full, smile = person.mouth * (1 + 0.18 * pose.smile), person.lips, pose.smile
    lip = mix(person.skin, (176, 52, 64), 0.5 if person.lips > 0.075 else 0.3)
    y, corner = 0.66, -0.06 * smile
    features.soft(oval(0, y + full + 0.05, 0.6 * wide, 0.03), mix(person.skin, (90, 40, 40), 0.5), 0.5, 0.025)
    top = [(-wide, y + corner), (-0.35 * wide, y - 0.75 * full), (0, y - 0.5 * full), (0.35 * wide, y - 0.75 * full)]
    bottom = [(wide, y + corner), (0.5 * wide, y + 0.8 * full + 0.02), (-0.5 * wide, y + 0.8 * full + 0.02)]
    features.polygon(top + bottom, mix(lip, BLACK, 0.12), mix(lip, WHITE, 0.15), smooth=True)
    if smile > 0.55:
        gap = 0.045 + 0.05 * (smile - 0.5)
        teeth = [(-0.8 * wide, y + corner * 0.7), (0, y - 0.01), (0.8 * wide, y + corner * 0.7), (0, y + 2 * gap)]
        features.polygon(teeth, (250, 246, 240), smooth=True)
    else:
        seam = [(-0.95 * wide, y + corner), (0, y + 0.01 + 0.03 * smile), (0.95 * wide, y + corner)]
        features.stroke(seam, mix(lip, (50, 10, 20), 0.6), 0.028, smooth=True)


def _draw_beard(features: Canvas, person: Identity, pose: Pose, area: np.ndarray) -> None:
    hair = mix(person.hair, BLACK, 0.12)
    lip = [(-0.3, 0.62), (-0.2, 0.5), (0, 0.47), (0.2, 0.5), (0.3, 0.62), (0.12, 0.585), (0, 0.57), (-0.12, 0.585)]
    if person.beard == "moustache":
        features.polygon(np.array(lip) * (1.15, 1), mix(hair, WHITE, 0.12), hair, smooth=True)
        return
    jaw = [(-0.85, 0.1), (-0.62, 0.4), (-0.34, 0.52), (0, 0.47), (0.34, 0.52), (0.62, 0.4), (0.85, 0.1), (0.85, 1.15)]
    jaw += [(-0.85, 1.15)]
    if person.beard == "stubble":
        features.soft(jaw, mix(person.skin, hair, 0.75), 0.42, 0.05, within=area)
        return
    features.soft(jaw, hair, 0.96, 0.022, within=area)
    low = np.array(
        [(-person.jaw, 0.7), (-0.3, 0.9), (0, 0.92), (0.3, 0.9), (person.jaw, 0.7), (0.3, 1.06), (0, 1.1), (-0.3, 1.06)]
    )
    features.polygon(low - (0.5 * pose.turn, 0), mix(hair, WHITE, 0.05), mix(hair, BLACK, 0.25), smooth=True)


def _draw_glasses(features: Canvas, person: Identity) -> None:
    dark: Colour = (44, 38, 44) if person.glasses == "square" else (140, 84, 40)
    for side in (-1, 1):
        x = side * person.spread
        if person.glasses == "round":
            rim = oval(x, 0.07, 0.235, 0.225)
        else:
            rim = np.array([(x - 0.25, -0.1), (x + 0.25, -0.1), (x + 0.21, 0.22), (x - 0.21, 0.22)])
        features.soft(rim, (226, 240, 250), 0.16, 0.01)
        features.stroke(rim, dark, 0.045, closed=True)
        features.stroke([(side * (person.spread + 0.24), 0.0), (side * (person.cheek + 0.02), 0.0)], dark, 0.04)
    inner = person.spread - 0.235
    features.stroke([(-inner, 0.02), (0, -0.02), (inner, 0.02)], dark, 0.04)
