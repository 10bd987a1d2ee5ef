"""Draws everyday scenes with one object, which is the label, and one person, whose identity is to be protected.

Pure functions: class, identity and a random generator in, pixels and the places of the head and the person out.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from stages.core.boxes import Box
from stages.scenes.background import draw_background
from stages.scenes.canvas import Canvas
from stages.scenes.identities import PEOPLE
from stages.scenes.objects import KINDS, draw_object
from stages.scenes.person import Extent, draw_person

CLASSES: tuple[str, ...] = tuple(sorted(KINDS))
IDENTITIES: int = len(PEOPLE)

# Scenes are drawn at least this many pixels wide and then scaled down by area.
_FINE_SIDE = 256


class Scene(NamedTuple):
    """A picture, and where in it the person is; boxes may reach beyond the picture."""

    image: np.ndarray  # (size, size, 3) uint8 RGB
    head: Box  # with ears, and hair down to the chin
    person: Box  # head, all of the hair, and body


def draw_scene(class_name: str, identity: int, rng: np.random.Generator, *, size: int, variation: float = 0.0) -> Scene:
    """Draw an everyday scene with one object and one person.

    Background, object, person and camera have four independent random streams, so that scenes from the same state of
    `rng` differ in their class and identity alone.

    Parameters
    ----------
    class_name : str
        What the object is: one of `CLASSES`.
    identity : int
        Who the person is: from 0 to ``IDENTITIES - 1``.
    rng : numpy.random.Generator
        Decides everything else; every scene takes the same number of draws from it.
    size : int
        Width and height in pixels, at least 32.
    variation : float, default 0
        How much side, place, size and colour of the object vary, from 0 to 1; at 1, it stands to the left of the person
        in half of the scenes, at 0, in none.

    Returns
    -------
    Scene
        The picture, the head and the person.

    Raises
    ------
    ValueError
        If the class or the identity does not exist, or the size is below 32.

    Examples
    --------
    >>> import numpy as np
    >>> scene = draw_scene("boat", 3, np.random.default_rng(0), size=64)
    >>> scene.image.shape, scene.image.dtype, scene.head.label
    ((64, 64, 3), dtype('uint8'), 'head')
    >>> scene.person.width > scene.head.width
    True
    """
    if class_name not in KINDS:
        raise ValueError(f"`class_name` must be one of {', '.join(CLASSES)}. Received: {class_name!r}")
    if not 0 <= identity < IDENTITIES:
        raise ValueError(f"`identity` must be from 0 to {IDENTITIES - 1}. Received: {identity!r}")
    if size < 32:
        raise ValueError(f"`size` must be at least 32 pixels. Received: {size!r}")
    place, thing, body, camera = (np.random.default_rng(seed) for seed in rng.integers(2**63, size=4))
    side = size * max(2, math.ceil(_FINE_SIDE / size))
    # Drawn at half the detail, as a lens that is focused on the person would show it.
    far = Canvas(side // 2)
    light = draw_background(far, place)
    canvas = Canvas(side)
    cv2.resize(far.pixels, (side, side), dst=canvas.pixels, interpolation=cv2.INTER_LINEAR)
    object_x, person_x = (0.69, 0.27) if place.uniform() >= variation / 2 else (0.31, 0.73)
    painted = canvas.turn_hues(place.uniform(-0.5, 0.5) * variation)
    draw_object(painted, class_name, thing, x=object_x, side=light.side, variation=variation)
    head, person = draw_person(canvas, identity, body, x=person_x, side=light.side)
    image = cv2.resize(canvas.pixels, (size, size), interpolation=cv2.INTER_AREA)
    exposure = camera.uniform(0.88, 1.06)
    grain = camera.standard_normal((size, size), dtype=np.float32) * np.float32(1.2)
    lit = cv2.multiply(image, (*(exposure * part for part in light.tint), 0.0), dtype=cv2.CV_32F)
    image = cv2.add(lit, cv2.merge((grain, grain, grain)), dtype=cv2.CV_8U)
    return Scene(image, _box(head, size, "head"), _box(person, size, "person"))


def _box(extent: Extent, size: int, label: str) -> Box:
    left, top = (math.floor(end * size) for end in extent[:2])
    right, bottom = (math.ceil(end * size) for end in extent[2:])
    return Box(left, top, right - left, bottom - top, label)
