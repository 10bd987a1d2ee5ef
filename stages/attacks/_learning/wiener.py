"""Inverts a blur of known strength: the best linear estimate, given the spectra of photos and of rounding errors."""

import numpy as np
from scipy.fft import dctn

ROUNDING_VARIANCE = 1 / 12  # of a value rounded to whole grey levels
BINS = 24


class WienerInverse:
    """Wiener deconvolution of a known blur with OpenCV's default border; `kernel` is one axis of it.

    A reflected border (without repeating the edge) makes the discrete cosine transform of type I turn the blur into a
    product (Martucci, IEEE TSP 42(5), 1994), so nothing rings at the borders. The prior spectrum and the noise are
    measured on training pairs.
    """

    name = "wiener"

    def __init__(self, anonymized: list[np.ndarray], raw: list[np.ndarray], *, kernel: np.ndarray):
        self._kernel = kernel
        self._edges = np.geomspace(1e-3, np.sqrt(2), BINS + 1)
        power, count, noise = np.zeros(BINS), np.zeros(BINS), []
        for blurred, image in zip(anonymized, raw, strict=True):
            if min(image.shape[:2]) < 2:
                continue
            spectrum, scale = _transform(image)
            radius = _radius(image.shape[:2])
            bins = np.clip(np.searchsorted(self._edges, radius) - 1, 0, BINS - 1)
            power += np.bincount(bins.ravel(), (spectrum**2).mean(axis=2).ravel() / scale, BINS)
            count += np.bincount(bins.ravel(), minlength=BINS)
            expected = self._transfer(image.shape[:2])[..., None] * spectrum
            noise.append(np.mean((_transform(blurred)[0] - expected) ** 2) / scale)
        used = count > 0
        centres = np.sqrt(self._edges[1:] * self._edges[:-1])
        self._frequencies, self._power = np.log(centres[used]), np.log(power[used] / count[used] + 1e-6)
        self._noise = max(ROUNDING_VARIANCE, float(np.mean(noise)))

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Estimate the original of a blurred image."""
        if min(image.shape[:2]) < 2:
            return image.copy()
        spectrum, _ = _transform(image)
        radius = np.log(np.maximum(_radius(image.shape[:2]), self._edges[0]))
        prior = np.exp(np.interp(radius, self._frequencies, self._power))
        transfer = self._transfer(image.shape[:2])
        gain = transfer * prior / (transfer**2 * prior + self._noise)
        gain[0, 0] = 1
        height, width = image.shape[:2]
        # A transform of type I is its own inverse, but for the scale.
        values = dctn(spectrum * gain[..., None], type=1, axes=(0, 1)) / (4 * (height - 1) * (width - 1))
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    def _transfer(self, size: tuple[int, int]) -> np.ndarray:
        offsets = np.arange(len(self._kernel)) - len(self._kernel) // 2
        rows, columns = (
            np.cos(np.pi * np.outer(np.arange(side), offsets) / (side - 1)) @ self._kernel for side in size
        )
        return np.outer(rows, columns)


def _transform(image: np.ndarray) -> tuple[np.ndarray, float]:
    height, width = image.shape[:2]
    return dctn(image.astype(np.float64), type=1, axes=(0, 1)), 4.0 * (height - 1) * (width - 1)


def _radius(size: tuple[int, int]) -> np.ndarray:
    rows, columns = (np.arange(side) / (side - 1) for side in size)
    return np.hypot(rows[:, None], columns[None, :])
