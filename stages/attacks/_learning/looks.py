"""What the identifiers look at: coarse pixels, and the directions of edges in cells."""

import cv2
import numpy as np

SHIFT, ANGLE, SCALE = 0.03, 4.0, 0.04  # how far copies are moved: share of the side, degrees, share
BINS = 9  # directions of an edge, from 0 to 180 degrees
CELL = 8  # pixels
CLIP = 0.2  # share of a block's strength that one direction may have


def looks_of(size: int) -> list[str]:
    """Name the looks at images of a size: none shows more detail than the images have, the finest shows it all.

    >>> looks_of(64)
    ['pixels_24', 'pixels_16', 'gradients_64', 'gradients_32']
    >>> looks_of(128)
    ['pixels_48', 'pixels_24', 'pixels_16', 'gradients_128', 'gradients_64', 'gradients_32']
    >>> looks_of(32)
    ['pixels_24', 'pixels_16', 'gradients_32']
    """
    finest = max(size // 16 * 16, 32)
    of_pixels = sorted({max(finest * 3 // 8, 24), 24, 16}, reverse=True)
    of_gradients = sorted({finest, min(64, finest), 32}, reverse=True)
    return [f"pixels_{side}" for side in of_pixels] + [f"gradients_{side}" for side in of_gradients]


def features_of(look: str, images: np.ndarray) -> np.ndarray:
    """Return the features of images under a look, float32 of shape (images, length)."""
    kind, side = look.split("_")
    return {"pixels": pixels, "gradients": gradients}[kind](images, int(side))


def pixels(images: np.ndarray, side: int) -> np.ndarray:
    """Return the colours, from 0 to 1, of images scaled to `side` x `side`, which survive any blur."""
    return np.stack([scaled(image, side).ravel() for image in images]).astype(np.float32) / 255


def gradients(images: np.ndarray, side: int) -> np.ndarray:
    """Return histograms of oriented gradients of images scaled to `side` x `side`, a multiple of the cell of 8 pixels.

    They are of blocks of 2 x 2 cells, 9 directions each, clipped; then come the cells' colours (square roots).
    """
    return np.stack([_histograms(scaled(image, side)) for image in images])


def scaled(image: np.ndarray, side: int) -> np.ndarray:
    """Scale a square image, by area where it shrinks."""
    interpolation = cv2.INTER_AREA if image.shape[0] > side else cv2.INTER_LINEAR
    return cv2.resize(image, (side, side), interpolation=interpolation)


def moved_copy(images: np.ndarray, seed: int, number: int) -> np.ndarray:
    """Shift, turn and scale each image a little."""
    rng = np.random.default_rng((seed, number))
    side = images.shape[1]
    moved = np.empty_like(images)
    for image, target in zip(images, moved, strict=True):
        angle, scale, *shift = rng.uniform(-1, 1, 4)
        turn = cv2.getRotationMatrix2D((side / 2 - 0.5, side / 2 - 0.5), angle * ANGLE, 1 + scale * SCALE)
        turn[:, 2] += np.multiply(shift, SHIFT * side)
        cv2.warpAffine(image, turn, (side, side), dst=target, borderMode=cv2.BORDER_REPLICATE)
    return moved


def _histograms(image: np.ndarray) -> np.ndarray:
    light = np.sqrt(image.astype(np.float32) / 255)  # so that shadows count as much as lights
    across, down = (cv2.Sobel(light, cv2.CV_32F, *axis, ksize=1) for axis in ((1, 0), (0, 1)))
    strongest = (across**2 + down**2).argmax(axis=2)[..., None]
    across, down = (np.take_along_axis(part, strongest, 2)[..., 0] for part in (across, down))
    place = np.arctan2(down, across) % np.pi * (BINS / np.pi)
    gap = np.abs(place - np.arange(BINS, dtype=np.float32)[:, None, None])
    votes = np.maximum(1 - np.minimum(gap, BINS - gap), 0) * np.hypot(across, down)
    cells = len(image) // CELL
    votes = votes.reshape(BINS, cells, CELL, cells, CELL).mean(axis=(2, 4)).transpose(1, 2, 0)
    blocks = np.concatenate([votes[:-1, :-1], votes[1:, :-1], votes[:-1, 1:], votes[1:, 1:]], axis=2)
    blocks /= np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 1e-4)
    colours = cv2.resize(light, (cells, cells), interpolation=cv2.INTER_AREA)
    return np.concatenate([np.minimum(blocks, CLIP).ravel(), colours.ravel()])
