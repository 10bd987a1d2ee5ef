"""Contact sheets: images of a variant, small, for people to check by eye that no face is left."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from stages.core.cells import CELL
from stages.core.images import write_image

COLUMNS, ROWS = 6, 5
PER_SHEET = COLUMNS * ROWS
GAP = 12  # pixels, of which half is the frame of an image without a region
CAPTION = 28  # pixels
LETTERS = 33  # of a caption: the end of the path
RED, INK = (220, 30, 30), (30, 30, 30)


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
        write_image(folder / f"{count:04d}.jpg", contact_sheet(page))
    return count


def contact_sheet(page: list[Print]) -> np.ndarray:
    """Join the images of a sheet, row by row on white: (height, width, 3) uint8, RGB."""
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
        cv2.putText(sheet, path[-LETTERS:], place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return sheet
