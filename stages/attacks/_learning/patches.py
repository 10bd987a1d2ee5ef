"""A learned inverse that is not linear: a small network corrects each pixel of another inverse's estimate."""

import warnings
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from stages.attacks._learning.restorer import Restorer

UNITS = (64, 32)
MOST_PAIRS = 60
SAMPLES = 48_000  # pixels of the training images to learn from
EPOCHS = 10
BATCH = 256
STRIP = 2**16  # about how many pixels are restored at once
REACH = (-8, -4, -2, -1, 0, 1, 2, 4, 8)  # offsets in pixels at which the estimate is sampled
COARSE = (-4, 0, 4)  # offsets for the anonymized image
WINDOWS = (7, 15)  # pixels, sides of windows whose darkest and brightest pixels count: morphology keeps these
MARGIN = 8  # the largest offset
LEAST_SPREAD = 1e-3


class PatchNetwork:
    """A perceptron of two layers, which slides over the image as a convolution of the estimate's surroundings.

    It sees the brightness of the estimate (of `start`) around a pixel, colours of the anonymized image, the darkest and
    brightest nearby, and the place in the method's grid, which repeats after `period` pixels, and predicts what the
    estimate misses in each channel.

    >>> from stages.attacks._learning.restorer import Unchanged
    >>> raw = [np.full((9, 9, 3), level, np.uint8) for level in range(0, 250, 10)]
    >>> network = PatchNetwork([255 - image for image in raw], raw, start=Unchanged())
    >>> abs(int(network.restore(raw[5])[4, 4, 0]) - 205) < 10
    True
    """

    def __init__(self, anonymized: list[np.ndarray], raw: list[np.ndarray], *, start: Restorer, period: int = 1):
        self.name = f"{start.name} and network"
        self._start, self._period = start, period
        rng = np.random.default_rng(0)
        inputs, missed = [], []
        for image, original in list(zip(anonymized, raw, strict=True))[:MOST_PAIRS]:
            estimate = start.restore(image)
            places = rng.integers(estimate.shape[:2], size=(-(-SAMPLES // min(len(raw), MOST_PAIRS)), 2)).T
            features = _features(
                _planes(image, estimate), partial(_at_places, *places), places[0], places[1], self._period
            )
            inputs.append(np.ascontiguousarray(features.T))
            missed.append((original.astype(np.float32) - estimate)[tuple(places)])
        features, goal = np.concatenate(inputs), np.concatenate(missed)
        self._mean, self._spread = features.mean(axis=0), features.std(axis=0) + LEAST_SPREAD
        self._scale = goal.std() + LEAST_SPREAD
        self._network = MLPRegressor(
            hidden_layer_sizes=UNITS, batch_size=min(BATCH, len(goal)), learning_rate_init=0.002, max_iter=EPOCHS,
            random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it has learned enough by then
            self._network.fit((features - self._mean) / self._spread, goal / self._scale)

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Estimate the original of an anonymized image."""
        estimate = self._start.restore(image)
        restored, planes = np.empty(image.shape, np.uint8), _planes(image, estimate)
        height = max(1, STRIP // image.shape[1])
        for top in range(0, len(image), height):
            part = estimate[top : top + height]
            rows, columns = (axis.ravel() for axis in np.mgrid[top : top + len(part), : part.shape[1]])
            area = slice(top, top + len(part)), slice(0, part.shape[1])
            features = _features(planes, partial(_in_area, area), rows, columns, self._period)
            missed = self._network.predict((features.T - self._mean) / self._spread) * self._scale
            restored[top : top + height] = np.clip(np.rint(part + missed.reshape(part.shape)), 0, 255)
        return restored


def _planes(image: np.ndarray, estimate: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is looked at, (planes, height, width) float32, with a margin."""
    colours, hidden = (
        cv2.copyMakeBorder(plane, *[MARGIN] * 4, cv2.BORDER_REFLECT_101).astype(np.float32)
        for plane in (estimate, image)
    )
    squares = [np.ones((side, side), np.uint8) for side in WINDOWS]
    extremes = [extreme(hidden, square).mean(axis=2) for square in squares for extreme in (cv2.erode, cv2.dilate)]
    return {
        "light": colours.mean(axis=2)[None],
        "colours": np.ascontiguousarray(colours.transpose(2, 0, 1)),
        "hidden": np.ascontiguousarray(hidden.transpose(2, 0, 1)),
        "extremes": np.stack(extremes),
    }


def _at_places(rows: np.ndarray, columns: np.ndarray, planes: np.ndarray, dy: int, dx: int) -> np.ndarray:
    return planes[:, rows + MARGIN + dy, columns + MARGIN + dx]


def _in_area(area: tuple[slice, slice], planes: np.ndarray, dy: int, dx: int) -> np.ndarray:
    # The same for all pixels of an area, many times as fast.
    rows, columns = (
        slice(part.start + MARGIN + by, part.stop + MARGIN + by) for part, by in zip(area, (dy, dx), strict=True)
    )
    return planes[:, rows, columns].reshape(len(planes), -1)


def _features(
    planes: dict[str, np.ndarray], at: Callable[..., np.ndarray], rows: np.ndarray, columns: np.ndarray, period: int
) -> np.ndarray:
    """Return the features of pixels, (length, pixels): differences to the pixel itself, then its own colours."""
    light, colours = at(planes["light"], 0, 0), at(planes["colours"], 0, 0)
    parts = [at(planes["light"], dy, dx) - light for dy in REACH for dx in REACH]
    parts += [at(planes["hidden"], dy, dx) - colours for dy in COARSE for dx in COARSE]
    parts += [at(planes["extremes"], 0, 0) - light, colours]
    if period > 1:
        turns = 2 * np.pi / period * np.stack([rows, columns, 2 * rows, 2 * columns])
        parts += [np.sin(turns), np.cos(turns)]
    return np.concatenate(parts, dtype=np.float32)
