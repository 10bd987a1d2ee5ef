"""The inpainting of a block as two small matrices, one pair per geometry, built from its single steps and cached.

The entries are multiples of a power of two and the pixels are integers, so that every partial sum is exact in single
precision: a product has the same bytes whatever the order of summation, the number of threads or the processor.
"""

import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from stages.methods.shared.telea import step_weights

MAX_STEPS = 2_500_000  # size of the largest matrix of single steps that is worth building
MAX_CACHE_BYTES = 2**27
BIAS = 0.4  # grey levels a step: OpenCV adds 0.5 before it rounds, which changes nothing in flat areas
CORRELATION_LENGTH = 10  # pixels; that of photos, from 5 to 100 serves as well
WORST_ERROR = 0.4 / 60  # of the skeleton's prediction, as a share of an image's standard deviation


class Side(NamedTuple):
    """A block along one axis: pixels of context before it, its length, pixels of context after it."""

    before: int
    length: int
    after: int


class Geometry(NamedTuple):
    """All that the inpainting of a block depends on, apart from the pixels."""

    block_size: int
    radius: int
    down: Side
    across: Side
    around: (
        int | None
    )  # pattern random: bits 0 to 8, which blocks of the 3 x 3 are missing; 9 and 10, place in the tile


class FillMap(NamedTuple):
    """What fills a block: ``outer @ rint(inner @ [pixels, 1])``, by way of a skeleton of its pixels."""

    inner: np.ndarray  # (skeleton + 1, sources + 1) float32
    outer: np.ndarray  # (block_size**2, skeleton + 1) float32
    offsets: np.ndarray  # (sources, 2) int: the block that each source lies in, counted from this one
    positions: np.ndarray  # (sources,) int: its place there, row * block_size + column
    runs: list[tuple[int, int]]  # ranges of sources in the same block at consecutive positions


def context_size(block_size: int, radius: int, pattern: str) -> int | None:
    """Return how many pixels around a block decide its inpainting, or None where a map would be too large."""
    if pattern == "random":
        reach = block_size + radius + 1  # the blocks around, and the pixels around those
    elif block_size > 2 * radius:
        reach = radius + 1
    else:
        reach = 2 * radius + 1  # fronts of neighbouring blocks meet
    area = (block_size + 2 * reach) ** 2
    if (pattern == "random" and radius > block_size) or max(block_size**2, area // 4) * area > MAX_STEPS:
        return None
    return reach


_maps: OrderedDict[Geometry, FillMap] = OrderedDict()
_lock = threading.Lock()


def fill_map(geometry: Geometry) -> FillMap:
    """Return the map from the cache; threads that need a new one wait for the first to build it."""
    with _lock:
        if geometry not in _maps:
            _maps[geometry] = build_map(geometry)
            while sum(kept.inner.nbytes + kept.outer.nbytes for kept in _maps.values()) > MAX_CACHE_BYTES:
                _maps.popitem(last=False)
        _maps.move_to_end(geometry)
        return _maps[geometry]


def build_map(geometry: Geometry) -> FillMap:
    """Compose the steps of the inpainting into one map."""
    size = geometry.block_size
    y, x = (np.arange(-side.before, side.length + side.after) for side in (geometry.down, geometry.across))
    missing, sure = _surroundings(y[:, None] // size, x // size, geometry.around)
    pixels, steps, distance = step_weights(missing, geometry.radius)
    y, x = (axis.ravel() for axis in np.meshgrid(y, x, indexing="ij"))
    own = np.flatnonzero((y[pixels] // size == 0) & (x[pixels] // size == 0))
    # A pixel is the sum over all paths of steps that end in it: x = S x + T k, and so x = (1 - S)^-1 T k.
    chosen = np.eye(len(pixels))[:, own]
    paths = solve_triangular(-steps[:, pixels], chosen, trans=1, lower=True, unit_diagonal=True, check_finite=False).T
    sources = np.flatnonzero(sure.ravel() & ~missing.ravel() & steps.any(axis=0))
    weights = np.zeros((len(own), missing.size))
    weights[:, sources] = paths @ steps[:, sources]  # pixels that may be missing are left out
    weights /= weights.sum(axis=1, keepdims=True)
    known = np.flatnonzero(weights.max(axis=0) > 2**-16)
    known = known[np.lexsort((x[known] % size, y[known] % size, x[known] // size, y[known] // size))]
    # Farther out, a quarter of the pixels is enough.
    used = (distance[known] <= 3) | ((y + 2 * x)[known] % 4 == 0)
    used &= weights[:, known].max(axis=0) > 4e-3
    inner, outer = _factor(weights[:, known], y[known], x[known], used)
    known = known[used]
    filled = np.zeros((size**2, outer.shape[1] + 1), np.float32)
    target = y[pixels[own]] * size + x[pixels[own]]
    filled[target, :-1] = outer
    filled[target, -1] = np.rint(paths.sum(axis=1) * BIAS * 2**8) / 2**8
    offsets = np.stack([y[known] // size, x[known] // size], axis=1)
    positions = y[known] % size * size + x[known] % size
    breaks = np.flatnonzero((np.diff(positions) != 1) | np.diff(offsets, axis=0).any(axis=1)) + 1
    runs = list(zip([0, *breaks.tolist()], [*breaks.tolist(), len(known)], strict=True))
    inner = np.pad(inner, (0, 1))
    inner[-1, -1] = 1
    return FillMap(inner, filled, offsets, positions, runs)


def _surroundings(row: np.ndarray, column: np.ndarray, around: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return which pixels around a block are missing with it, and for which this is certain, from their blocks."""
    if around is None:
        missing = (row % 2 == 0) & (column % 2 == 0)
        return missing, np.ones_like(missing)
    missing = np.zeros((row.size, column.size), bool)
    sure = (abs(row) <= 1) & (abs(column) <= 1)
    below, right = around >> 9 & 1, around >> 10 & 1
    for bit in range(9):
        if around >> bit & 1:
            y, x = bit // 3 - 1, bit % 3 - 1
            missing |= (row == y) & (column == x)
            # A tile misses one block only: if that is known, so are the other three.
            sure |= ((row + below) // 2 == (y + below) // 2) & ((column + right) // 2 == (x + right) // 2)
    return missing, sure


def _factor(weights: np.ndarray, y: np.ndarray, x: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split a map in two: from the `used` of the known pixels to a skeleton of the block, and from there to the block.

    Both are the best linear predictions for images with the correlations of photos. The skeleton is chosen pixel by
    pixel, each time the one that those before predict worst (a pivoted Cholesky factorization).
    """
    correlation = np.exp(-np.hypot(y[:, None] - y[used], x[:, None] - x[used]) / CORRELATION_LENGTH)
    weights = np.linalg.solve(correlation[used], (weights @ correlation).T).T
    weights /= weights.sum(axis=1, keepdims=True)
    covariance = weights @ correlation[used] @ weights.T
    variance = np.diag(covariance).copy()
    factors: list[np.ndarray] = []
    skeleton: list[int] = []
    while len(skeleton) < len(weights) and variance.max() > WORST_ERROR**2:
        pick = int(variance.round(9).argmax())  # rounded, so that noise does not decide ties
        rest = covariance[pick] - sum(factor[pick] * factor for factor in factors)
        factors.append(rest / np.sqrt(variance[pick]))
        variance = variance - factors[-1] ** 2
        skeleton.append(pick)
    outer = np.linalg.solve(covariance[np.ix_(skeleton, skeleton)], covariance[skeleton]).T
    outer /= outer.sum(axis=1, keepdims=True)
    # Exact sums stay below 2**24: 255 * 2**15 for `inner`; for `outer` the skeleton has steps of 1/4 up to 275.
    scale = 2.0 ** np.floor(np.log2(2**24 / 1100 / np.abs(outer).sum(axis=1).max()))
    return (_round(weights[skeleton], 2.0**15) * 4).astype(np.float32), (_round(outer, scale) / 4).astype(np.float32)


def _round(weights: np.ndarray, scale: float) -> np.ndarray:
    """Round to multiples of 1 / scale such that every row keeps its sum of 1."""
    whole = np.rint(weights * scale)
    largest = np.abs(weights).round(9).argmax(axis=1)
    whole[np.arange(len(whole)), largest] += scale - whole.sum(axis=1)
    return whole / scale
