"""Outlines of people as COCO has them: polygons, and run lengths as they are or packed."""

from typing import Any

import cv2
import numpy as np

Corners = tuple[float, float, float, float]  # left, top, right, bottom
_PART = 4  # bits of a fraction of a pixel
_MARGIN = 2  # pixels around the image, at whose border OpenCV may leave out a part of a thin polygon
_FARTHEST = 2**20  # pixels from the origin


def outline_corners(outline: Any) -> Corners:
    """Return the corners of the smallest box that holds an outline."""
    if isinstance(outline, dict):
        return _corners_of_runs(outline["counts"], *map(int, outline["size"]))
    return corners_of_points([float(number) for polygon in outline for number in polygon])


def corners_of_points(numbers: list[float]) -> Corners:
    """Return the corners of the smallest box that holds points, given as x, y, x, y and so on."""
    return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])


def _corners_of_runs(counts: str | list[int], height: int, width: int) -> Corners:
    runs = _runs(counts, height, width)
    ends = np.cumsum(runs)
    starts, ends = (ends - runs)[1::2], ends[1::2]
    starts, last = starts[ends > starts], ends[ends > starts] - 1
    whole = starts // height < last // height  # it reaches the bottom of a column and the top of the next
    top, bottom = np.where(whole, 0, starts % height), np.where(whole, height - 1, last % height)
    return (*map(int, (min(starts) // height, min(top), max(last) // height + 1, max(bottom) + 1)),)  # type: ignore[return-value]


def draw_outline(outline: Any, size: tuple[int, int]) -> np.ndarray:
    """Return what an outline covers of an image of this height and width, (height, width) bool."""
    height, width = size
    if isinstance(outline, dict):
        if (*map(int, outline["size"]),) != size:
            raise ValueError("run lengths of an image of another size")
        runs = _runs(outline["counts"], height, width)
        return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
    drawn = np.zeros((height + 2 * _MARGIN, width + 2 * _MARGIN), np.uint8)
    for polygon in outline:
        points = np.array(polygon, float).reshape(-1, 2)
        if not len(points):
            continue
        if not (np.abs(points) <= _FARTHEST).all():
            raise ValueError("no polygon")
        # COCO's points are edges of pixels, OpenCV's their centres.
        corners = np.rint((points - 0.5 + _MARGIN) * 2**_PART).astype(np.int32)
        cv2.fillPoly(drawn, [corners], 1, shift=_PART)
    # A pixel wider, as OpenCV rounds corners, and nothing of a person may be left.
    return cv2.dilate(drawn, np.ones((3, 3), np.uint8))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] > 0


def _runs(counts: str | list[int], height: int, width: int) -> np.ndarray:
    # Runs of 0 and 1 in turn, down the columns, as `pycocotools` has them.
    runs = np.array(_unpacked(counts) if isinstance(counts, str) else counts, np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError("runs that do not make up the image")
    return runs


def _unpacked(text: str) -> list[int]:
    counts: list[int] = []
    value = shift = 0
    for letter in text.encode("ascii"):
        bits = letter - 48
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (bits & 16 and 1) << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts
