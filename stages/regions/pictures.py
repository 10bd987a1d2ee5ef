"""Pictures for people to check by eye that no face is left: boxes on small images, and contact sheets of these."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from stages.core.boxes import Box
from stages.core.cells import CELL, fit_into_cell, scale_to_cell
from stages.core.images import write_image

COLUMNS, ROWS = 6, 5
PER_SHEET = COLUMNS * ROWS
GAP = 12  # pixels, of which half is the frame of an image without a region
CAPTION = 28  # pixels
LETTERS = 33  # of a caption: the end of the path
RED, INK, YELLOW, BLACK = (220, 30, 30), (30, 30, 30), (255, 220, 0), (0, 0, 0)
FONT, NUMBER = cv2.FONT_HERSHEY_SIMPLEX, 0.35  # and the size of numbers


class Print(NamedTuple):
    """A small image on a contact sheet."""

    path: str  # relative to the data set
    cell: np.ndarray  # (CELL, CELL, 3) uint8
    is_marked: bool  # with a red frame


def write_contact_sheets(prints: Iterable[Print], folder: Path) -> int:
    """Write images, one sheet in memory at a time, into `folder` as `0001.jpg` and so on; return how many sheets."""
    iterator, count = iter(prints), 0
    while page := list(islice(iterator, PER_SHEET)):
        count += 1
        write_image(folder / f"{count:04d}.jpg", _contact_sheet(page))
    return count


def _contact_sheet(page: list[Print]) -> np.ndarray:
    high, wide = CELL + GAP + CAPTION, CELL + GAP
    rows = -(-len(page) // COLUMNS)
    sheet = np.full((rows * high, COLUMNS * wide, 3), 255, np.uint8)
    for number, (path, cell, is_marked) in enumerate(page):
        top, left = number // COLUMNS * high, number % COLUMNS * wide
        if is_marked:
            sheet[top : top + CELL + GAP, left : left + wide] = RED
        inside = sheet[top + GAP // 2 :, left + GAP // 2 :]
        inside[:CELL, :CELL] = cell
        place = (left + GAP // 2, top + CELL + GAP + CAPTION // 2 + 4)
        cv2.putText(sheet, path[-LETTERS:], place, FONT, 0.42, INK, 1, cv2.LINE_AA)
    return sheet


def outline(image: np.ndarray, boxes: Sequence[Box], numbers: Sequence[int] = ()) -> np.ndarray:
    """Show an image in a cell of a picture, with boxes outlined in yellow on black, which shows on any colour."""
    scaled = scale_to_cell(image)
    height, width = scaled.shape[:2]
    down, across = height / image.shape[0], width / image.shape[1]
    corners = np.array([(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]).reshape(-1, 4)
    drawn = np.rint(np.clip(corners * ([across, down] * 2), -CELL, 2 * CELL)).astype(int).tolist()
    for colour, thickness in ((BLACK, 3), (YELLOW, 1)) if numbers else ((BLACK, 4), (YELLOW, 2)):
        for left, top, right, bottom in drawn:
            cv2.rectangle(scaled, (left, top), (right - 1, bottom - 1), colour, thickness)
    for number, (left, top, _, _) in zip(numbers, drawn, strict=False):
        text = str(number)
        (wide, high), _ = cv2.getTextSize(text, FONT, NUMBER, 1)
        # Above its box, or as near to that as the image allows.
        place = (min(max(left, 0), width - wide), min(max(top - 4, high + 1), height - 2))
        for colour, thickness in ((BLACK, 3), (YELLOW, 1)):
            cv2.putText(scaled, text, place, FONT, NUMBER, colour, thickness, cv2.LINE_AA)
    return fit_into_cell(scaled)
