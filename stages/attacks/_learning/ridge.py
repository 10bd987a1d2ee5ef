"""A learned inverse for any method: ridge regression from the anonymized neighbourhood to the original pixel."""

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SIDE = 13  # pixels, of the neighbourhood
FEATURES = SIDE * SIDE + 3  # the pixels, the darkest, the brightest, a constant
CONSTANT = 16.0  # grey levels, so that the penalty weighs it like a pixel
LARGEST_CROP = 144  # pixels, of a training image
MOST_PAIRS = 60
MOST_SAMPLES = 20_000  # neighbourhoods that one map is learned from
# Relative to the mean variance of a pixel; the first one changes nothing, and wins ties.
PENALTIES = (np.inf, 1e-1, 1e-3)
_VALIDATION = 5  # every fifth pair chooses the penalty
_SQUARE = np.ones((SIDE, SIDE), np.uint8)
_EXTREMES = (cv2.erode, cv2.dilate)


class RidgeInverse:
    """A linear map from a neighbourhood to what its centre lost, one for each place in the method's block grid.

    Besides the pixels, its inputs are the darkest and the brightest of them, which morphology keeps, and a constant,
    because morphology shifts all values. It works on differences to the centre pixel and learns what the centre lost,
    so a large penalty leaves the image unchanged: on the pairs that choose the penalty, the map is never worse than
    doing nothing. The method's grid repeats after `period` pixels; 1 for a method without blocks.
    """

    name = "ridge"

    def __init__(self, anonymized: list[np.ndarray], raw: list[np.ndarray], *, period: int = 1):
        self._period = period
        inputs, targets = _crops(anonymized, raw)
        pair = np.arange(len(inputs)) // 3  # of each colour channel
        held_out = (pair % _VALIDATION == 0) & (pair.max() > 0)
        windows, extremes, lost = _windows(inputs), _extremes(inputs), targets - inputs
        step = period * max(1, round((lost.size / period**2 / MOST_SAMPLES) ** 0.5))
        maps = np.zeros((len(PENALTIES), period, period, FEATURES), np.float32)
        gains = np.zeros(len(PENALTIES))
        for row, column in np.ndindex(period, period):
            features = _features(windows[:, row::step, column::step], extremes[:, row::step, column::step])
            goal = lost[:, row::step, column::step]
            fitted = ~held_out
            matrix, wanted = features[fitted].reshape(-1, FEATURES), goal[fitted].ravel()
            gram, moment = (matrix.T @ matrix).astype(float), (matrix.T @ wanted).astype(float)
            scale = np.trace(gram) / len(gram) + 1e-3
            check, truth = features[held_out].reshape(-1, FEATURES), goal[held_out].ravel()
            for index, penalty in enumerate(PENALTIES[1:], 1):
                weights = np.linalg.solve(gram + penalty * scale * np.eye(len(gram)), moment)
                maps[index, row, column] = weights
                gains[index] += float(np.sum(truth**2) - np.sum((truth - check @ weights) ** 2))
        self._map = maps[int(gains.argmax())]

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Estimate the original of an anonymized image."""
        step = self._period
        if step == 1:
            return _rounded(image + _filter(image.astype(np.float32), self._map[0, 0]))
        values = image.transpose(2, 0, 1).astype(np.float32)
        windows, extremes = _windows(values), _extremes(values)
        restored = values.copy()
        for row, column in np.ndindex(min(step, image.shape[0]), min(step, image.shape[1])):
            features = _features(windows[:, row::step, column::step], extremes[:, row::step, column::step])
            restored[:, row::step, column::step] += features @ self._map[row, column]
        return _rounded(restored.transpose(1, 2, 0))


def _rounded(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _filter(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the product of one map with the features of every pixel, (height, width, 3)."""
    *pixels, dark, bright, constant = weights
    kernel = np.reshape(pixels, (SIDE, SIDE))
    kernel[SIDE // 2, SIDE // 2] -= weights[:-1].sum()
    darkest, brightest = (extreme(image, _SQUARE, borderType=cv2.BORDER_REPLICATE) for extreme in _EXTREMES)
    lost = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return lost + dark * darkest + bright * brightest + constant * CONSTANT


def _crops(anonymized: list[np.ndarray], raw: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    # Cut from the top left corner, where the block grid begins, to one size; the smallest images are left out.
    sides = np.array([min(image.shape[:2]) for image in raw])
    side = min(LARGEST_CROP, int(np.quantile(sides, 0.1, method="lower")))
    chosen = np.flatnonzero(sides >= side)[:MOST_PAIRS]
    stacks = []
    for images in (anonymized, raw):
        crops = np.stack([images[index][:side, :side] for index in chosen]).astype(np.float32)
        stacks.append(crops.transpose(0, 3, 1, 2).reshape(-1, side, side))
    return stacks[0], stacks[1]


def _windows(channels: np.ndarray) -> np.ndarray:
    reach = SIDE // 2
    padded = np.pad(channels, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    return sliding_window_view(padded, (SIDE, SIDE), axis=(1, 2))  # type: ignore[call-overload]  # NumPy: one axis


def _extremes(channels: np.ndarray) -> np.ndarray:
    """Return the darkest and brightest pixel of each neighbourhood, (channels, height, width, 2)."""
    extremes = np.empty((*channels.shape, 2), np.float32)
    for channel, target in zip(channels, extremes, strict=True):
        for index, extreme in enumerate(_EXTREMES):
            target[..., index] = extreme(channel, _SQUARE, borderType=cv2.BORDER_REPLICATE)
    return extremes


def _features(windows: np.ndarray, extremes: np.ndarray) -> np.ndarray:
    reach = SIDE // 2
    centre = windows[..., reach : reach + 1, reach]
    pixels = windows.reshape(*windows.shape[:3], SIDE * SIDE) - centre
    return np.concatenate([pixels, extremes - centre, np.full_like(centre, CONSTANT)], axis=-1)
