"""Finds images that look almost the same, such as frames of a burst, by small grey copies of them."""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_HEIGHT, _WIDTH = 8, 9  # of a copy, in pixels
_STEP = 2  # smallest step in levels between two pixels that counts; less is noise
_FLIPS = 3  # bits of 64 by which two images may differ
_DIFFERENCE = 6.0  # levels between two copies, root of the mean square
_SHARE = 0.2  # of a copy's standard deviation: for flat images, less counts as a difference
_BAND = np.uint16  # a quarter of a hash: two hashes that differ in three bits have a band in common
_BLOCK = 1024  # hashes that are compared with others at a time


def look_of(image: np.ndarray) -> bytes:
    """Return a small grey copy of an RGB image, 8 rows of 9 pixels, to find near-duplicates by."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA).tobytes()


def near_duplicates(looks: Sequence[bytes]) -> np.ndarray:
    """Return the group of each image, numbered from 0 as they first appear, from what `look_of` returns of them.

    Images look alike if the difference hashes of their copies (8 x 8 bits, a step to the right of more than 2 levels)
    differ in at most 3 bits, and the copies by at most 6 levels (root mean square) and a fifth of their standard
    deviation. Groups with a common member are joined; an image that is like no other is a group of its own.

    References
    ----------
    Manku, Jain, Das Sarma: Detecting near-duplicates for web crawling. WWW 2007.
    """
    if not looks:
        return np.zeros(0, int)
    rows = np.frombuffer(b"".join(looks), np.uint8).reshape(len(looks), -1)
    copies, places = np.unique(rows, axis=0, return_inverse=True)
    steps = np.diff(copies.reshape(-1, _HEIGHT, _WIDTH).astype(np.int16)) > _STEP
    hashes = np.packbits(steps.reshape(len(copies), -1), axis=1).view(np.uint64)
    pairs: list[np.ndarray] = []
    deviations = copies.std(axis=1)
    for band in hashes.view(_BAND).T:
        order = np.argsort(band, kind="stable")
        edges = np.flatnonzero(np.diff(band[order])) + 1
        pairs += [_alike(bucket, hashes, copies, deviations) for bucket in np.split(order, edges) if len(bucket) > 1]
    first, second = np.concatenate([np.zeros((2, 0), int), *pairs], axis=1)
    graph = coo_matrix((np.ones(len(first)), (first, second)), (len(copies), len(copies)))
    groups = connected_components(graph, directed=False)[1][places.ravel()]
    _, firsts, numbers = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(firsts))[numbers.ravel()]


def _alike(bucket: np.ndarray, hashes: np.ndarray, copies: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    found = []
    for start in range(0, len(bucket), _BLOCK):
        block = bucket[start : start + _BLOCK]
        first, second = np.nonzero(np.bitwise_count(hashes[block] ^ hashes[bucket].T) <= _FLIPS)
        first, second = block[first], bucket[second]
        first, second = first[first < second], second[first < second]
        difference = copies[first].astype(np.float32) - copies[second]
        spread = np.minimum(deviations[first], deviations[second])
        is_alike = np.sqrt((difference**2).mean(axis=1)) <= np.minimum(_DIFFERENCE, _SHARE * spread)
        found.append(np.stack([first[is_alike], second[is_alike]]))
    return np.concatenate(found, axis=1)
