"""Faces are shown to recognizers as upright as they can be."""

import cv2
import numpy as np
import pytest

from stages.core.boxes import Box
from stages.regions.alignment import frame_face
from stages.scenes import draw_scene

FACE = Box(25, 106, 51, 66)  # of the drawn person


def test_a_turned_face_is_turned_back():
    image = draw_scene("car", 0, np.random.default_rng(5), size=256).image
    turn = cv2.getRotationMatrix2D((FACE.x + FACE.width / 2, FACE.y + FACE.height / 2), 15, 1)
    turned = cv2.warpAffine(image, turn, (256, 256), borderMode=cv2.BORDER_REPLICATE)
    change = np.abs(frame_face(image, FACE, 112).astype(float) - frame_face(turned, FACE, 112)).mean(axis=(1, 2, 3))
    assert change[1:].max() < change[0] / 2


@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(300, 300, 5, 9), Box(-50, -50, 20, 20)])
def test_a_box_without_a_face_is_shown_too(box):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert frame_face(noise, box, 32).shape == (3, 32, 32, 3)
