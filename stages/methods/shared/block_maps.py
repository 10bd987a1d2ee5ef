"""Telea's inpainting of all blocks of an image by matrix products: blocks of one geometry share one map.

OpenCV's own has a small term that is not linear; without it, the result differs by a few grey levels at most.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import cv2
import numpy as np

from stages.methods.shared.fill_map import FillMap, Geometry, Side, context_size, fill_map
from stages.methods.shared.layout import buffer, to_blocks, to_image

STRIP_PIXELS = 262144  # an image is processed in strips of this many pixels, to bound memory
CHUNK_BLOCKS = 384  # and a product takes this many blocks, to stay in the processor's cache


def merge_with_maps(
    image: np.ndarray, sets: np.ndarray, block_size: int, radius: int, pattern: str
) -> np.ndarray | None:
    """Fill every block from the pixels around it that its set does not miss; None where maps would be too large."""
    reach = context_size(block_size, radius, pattern)
    if reach is None or sets.size == 1:
        return None
    if pattern == "grid":
        numbers, geometries = _places(*image.shape[:2], block_size, radius, reach)
    else:
        numbers, geometries = _random_geometries(image.shape, sets, block_size, radius, reach)
    maps = [fill_map(geometry) for geometry in geometries]
    merged = np.empty_like(image)
    rows, columns = sets.shape
    halo = -(-reach // block_size)
    height = max(1, STRIP_PIXELS // (block_size**2 * columns))
    for first in range(0, rows, height):
        last, top = min(first + height, rows), max(first - halo, 0)
        source = to_blocks(image[top * block_size : (last + halo) * block_size], block_size)
        filled = buffer("filled", (block_size**2, 3, (last - first) * columns), np.uint8)
        for number, members in _chunks(numbers[first:last].ravel()):
            shifts = maps[number].offsets @ (columns, 1) + (first - top) * columns
            place = members if _scattered(members) else slice(members[0], members[-1] + 1)
            filled[:, :, place] = _fill(source, members, shifts, maps[number])
        strip = merged[first * block_size : last * block_size]
        to_image(filled, block_size, strip)
    return merged


def _random_geometries(
    shape: tuple[int, ...], sets: np.ndarray, block_size: int, radius: int, reach: int
) -> tuple[np.ndarray, list[Geometry]]:
    """Number the geometries of blocks that were dealt at random: add what is missing around each."""
    numbers, places = _places(shape[0], shape[1], block_size, radius, reach)
    rows, columns = sets.shape
    framed = np.pad(sets, 1, constant_values=-1)
    codes = numbers << 11 | (np.arange(rows) % 2 << 9)[:, None] | np.arange(columns) % 2 << 10
    for bit in range(9):
        y, x = divmod(bit, 3)
        codes |= (framed[y : y + rows, x : x + columns] == sets) << bit
    found, numbers = np.unique(codes, return_inverse=True)
    geometries = [places[code >> 11]._replace(around=code & 2**11 - 1) for code in found.tolist()]
    return numbers.reshape(sets.shape), geometries


@lru_cache(maxsize=64)
def _places(height: int, width: int, block_size: int, radius: int, reach: int) -> tuple[np.ndarray, list[Geometry]]:
    """Number the places of the blocks at the image's borders; for the grid pattern these are the geometries."""
    numbers, kinds = [], []
    for length in (height, width):
        ends = [(start, min(start + block_size, length)) for start in range(0, length, block_size)]
        sides = [Side(min(start, reach), stop - start, min(length - stop, reach)) for start, stop in ends]
        kinds.append(list(dict.fromkeys(sides)))
        numbers.append(np.array([kinds[-1].index(side) for side in sides]))
    geometries = [Geometry(block_size, radius, down, across, around=None) for down, across in product(*kinds)]
    return numbers[0][:, None] * len(kinds[1]) + numbers[1], geometries


def _chunks(numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each geometry's number with the positions of its blocks, a bounded number at a time."""
    order = np.argsort(numbers, kind="stable")
    alike = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    groups = sorted(((int(numbers[members[0]]), members) for members in alike), key=lambda group: -len(group[1]))
    number, members = groups[0]
    if len(members) * 4 > 3 * (members[-1] + 1 - members[0]):
        # The few other blocks in between get wrong pixels first and their own later: one long run is quicker.
        groups[0] = number, np.arange(members[0], members[-1] + 1)
    for number, members in groups:
        for start in range(0, len(members), CHUNK_BLOCKS):
            yield number, members[start : start + CHUNK_BLOCKS]


def _scattered(members: np.ndarray) -> bool:
    """Return whether blocks must be picked one by one, not sliced; for a few, picking is quicker."""
    return len(members) < 16 or members[-1] - members[0] >= len(members)


def _fill(source: np.ndarray, members: np.ndarray, shifts: np.ndarray, block_map: FillMap) -> np.ndarray:
    """Compute the blocks `members`, all of one geometry: uint8, shape (block_size**2, 3, len(members))."""
    blocks, count = source.shape[2], len(shifts)
    known = buffer("known", (count + 1, 3, len(members)))
    known[count] = 1
    if _scattered(members):
        column = (np.arange(3)[:, None] * blocks + members).ravel()
        index = (block_map.positions * 3 * blocks + shifts)[:, None] + column
        known[:count] = source.ravel()[index].reshape(count, 3, -1)
    else:
        for low, high in block_map.runs:
            position, start = block_map.positions[low], shifts[low] + members[0]
            known[low:high] = source[position : position + high - low, :, start : start + len(members)]
    known = known.reshape(count + 1, -1)
    skeleton = np.matmul(block_map.inner, known, out=buffer("skeleton", (len(block_map.inner), known.shape[1])))
    np.rint(skeleton, out=skeleton)
    pixels = np.matmul(block_map.outer, skeleton, out=buffer("pixels", (len(block_map.outer), known.shape[1])))
    return cv2.convertScaleAbs(pixels).reshape(-1, 3, len(members))  # rounds and clips in one go
