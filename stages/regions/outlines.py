"""Draws boxes on small images, with their numbers, for people to check by eye."""

from collections.abc import Sequence

import cv2
import numpy as np

from stages.core.boxes import Box
from stages.core.cells import CELL, fit_into_cell, scale_to_cell

_YELLOW, _BLACK = (255, 220, 0), (0, 0, 0)
_FONT, _SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.35


def outline(image: np.ndarray, boxes: Sequence[Box], numbers: Sequence[int] = ()) -> np.ndarray:
    """Show an image in a cell of a picture, with boxes outlined in yellow on black, which shows on any colour."""
    scaled = scale_to_cell(image)
    height, width = scaled.shape[:2]
    down, across = height / image.shape[0], width / image.shape[1]
    corners = np.array([(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]).reshape(-1, 4)
    drawn = np.rint(np.clip(corners * ([across, down] * 2), -CELL, 2 * CELL)).astype(int).tolist()
    for colour, thickness in ((_BLACK, 3), (_YELLOW, 1)) if numbers else ((_BLACK, 4), (_YELLOW, 2)):
        for left, top, right, bottom in drawn:
            cv2.rectangle(scaled, (left, top), (right - 1, bottom - 1), colour, thickness)
    for number, (left, top, _, _) in zip(numbers, drawn, strict=False):
        text = str(number)
        (wide, high), _ = cv2.getTextSize(text, _FONT, _SIZE, 1)
        # Above its box, or as near to that as the image allows.
        place = (min(max(left, 0), width - wide), min(max(top - 4, high + 1), height - 2))
        for colour, thickness in ((_BLACK, 3), (_YELLOW, 1)):
            cv2.putText(scaled, text, place, _FONT, _SIZE, colour, thickness, cv2.LINE_AA)
    return fit_into_cell(scaled)
