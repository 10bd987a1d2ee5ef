"""Telea's inpainting of one block as a matrix: which known pixels make up each missing one, and with what weight.

A. Telea, "An image inpainting technique based on the fast marching method", Journal of Graphics Tools 9(1), 2004.
Order and weights depend on the geometry alone; the details (ties, borders) follow OpenCV, which the tests compare with.
"""

import heapq
from array import array
from math import sqrt

import cv2
import numpy as np

FAR = 1e6  # arrival time where the front never arrives, including the frame around the image


def march(missing: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Let the front run from the edge of the missing pixels, outwards as far as `radius` and inwards to the end.

    Returns the arrival time, negative outside the missing pixels, and when each missing pixel is filled, from 0, or -1
    where the pixel is known; both with a frame of one pixel.
    """
    frame = np.pad(missing, 1)
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1,) * 2)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    near, band = (cv2.dilate(frame.astype(np.uint8), kernel).astype(bool) & ~frame for kernel in (square, cross))
    for edge in (near, band):
        edge[[0, -1]] = False
        edge[:, [0, -1]] = False
    width = frame.shape[1]
    time = array("f", [FAR]) * frame.size  # single precision decides ties as OpenCV does
    starts = np.flatnonzero(band).tolist()
    for start in starts:
        time[start] = 0
    outside = _run(starts, (near & ~band).tobytes(), time, width)
    for index in (*starts, *outside):
        time[index] = -time[index]
    order = np.full(frame.size, -1)
    filled = _run(starts, frame.tobytes(), time, width)
    order[filled] = np.arange(len(filled))
    return np.array(time, dtype=float).reshape(frame.shape), order.reshape(frame.shape)


def _run(starts: list[int], inside: bytes, time: array, width: int) -> list[int]:
    """March from `starts` through the pixels `inside`, write their arrival times, and return them in that order."""
    waiting = bytearray(inside)
    heap = [(0.0, number, index) for number, index in enumerate(starts)]
    number = len(heap)
    reached = []
    while heap:
        index = heapq.heappop(heap)[2]
        for pixel in (index - width, index - 1, index + width, index + 1):
            if waiting[pixel]:
                time[pixel] = _arrival(pixel, waiting, time, width)
                waiting[pixel] = 0
                heapq.heappush(heap, (time[pixel], number, pixel))
                number += 1
                reached.append(pixel)
    return reached


def _arrival(pixel: int, waiting: bytearray, time: array, width: int) -> float:
    """Solve the eikonal equation from one vertical and one horizontal neighbour: the earliest of the four ways."""
    earliest = 2 * FAR
    for row in (pixel - width, pixel + width):
        first, first_waits = time[row], waiting[row]
        for column in (pixel - 1, pixel + 1):
            second = time[column]
            if waiting[column] == first_waits:
                arrival = 1 + (first if first < second else second)
                if not first_waits and -1 < first - second < 1:
                    arrival = (first + second + sqrt(2 - (first - second) ** 2)) / 2
            else:
                arrival = 1 + (second if first_waits else first)
            if arrival < earliest:
                earliest = arrival
    return earliest


def step_weights(missing: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weigh the pixels that each missing pixel is filled from, when its turn comes.

    Returns the n missing pixels, as flat positions in the order of filling; the weights, (n, height * width), of known
    pixels and of those filled before, of sum 1; and the distance of known pixels to missing ones, negative inside.
    """
    time, order = march(missing, radius)
    height, width = missing.shape
    y, x = np.unravel_index(np.argsort(order, axis=None)[-missing.sum() :], order.shape)
    turn = np.arange(len(y))
    gradient_y = _slope(time, order, (y - 1, x), (y + 1, x), (y, x))
    gradient_x = _slope(time, order, (y, x - 1), (y, x + 1), (y, x))
    down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    reach = (down**2 + right**2 <= radius**2) & (down**2 + right**2 > 0)
    entries = []
    for dy, dx in zip(down[reach].tolist(), right[reach].tolist(), strict=True):
        source_y, source_x = y + dy, x + dx
        use = (source_y > 0) & (source_y <= height) & (source_x > 0) & (source_x <= width)
        use[use] = order[source_y[use], source_x[use]] < turn[use]
        source_y, source_x = source_y[use], source_x[use]
        along = np.abs(dy * gradient_y[use] + dx * gradient_x[use])
        along[along <= 0.01] = 1e-6
        level = 1 + np.abs(time[source_y, source_x] - time[y[use], x[use]])
        weight = along / level / (dy * dy + dx * dx) ** 1.5
        entries.append((turn[use], (source_y - 1) * width + source_x - 1, weight))
    rows, columns, weight = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    weights = np.zeros((len(y), height * width))
    weights[rows, columns] = weight / np.bincount(rows, weight)[rows]
    time = np.abs(time[1:-1, 1:-1])
    return (y - 1) * width + x - 1, weights, np.where(missing, -time, time).ravel()


def _slope(time: np.ndarray, order: np.ndarray, before: tuple, after: tuple, here: tuple) -> np.ndarray:
    """Differentiate the arrival time across the neighbours that are known when the turn of `here` comes."""
    first = np.where(order[before] < order[here], time[before], time[here])
    last = np.where(order[after] < order[here], time[after], time[here])
    both = (order[before] < order[here]) & (order[after] < order[here])
    return (last - first) / np.where(both, 2, 1)
