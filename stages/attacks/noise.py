"""Subtracts secret noise from an image, for an attacker who knows the noise or guesses it."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

BLACK, WHITE = 0, 255


def subtract_noise(
    image: np.ndarray, method: Callable[..., np.ndarray], arguments: dict[str, Any], rng: np.random.Generator
) -> np.ndarray:
    """Subtract the noise that a method adds from an RGB image.

    The noise is what the method, called with `arguments` and `secret_rng`, makes of a black and of a white image: the
    first shows what brightens, the second what darkens. So it works for any method that adds noise which does not
    depend on the image, and clips. Where the image was clipped, the original lies in a known range, and its middle is
    taken. The generator is in the state that, the attacker believes, the method drew from.

    >>> def noisy(image, *, secret_rng):
    ...     return np.clip(image + secret_rng.normal(0, 20, image.shape), 0, 255).astype(np.uint8)
    >>> image = noisy(np.full((1, 2, 3), 50, np.uint8), secret_rng=np.random.default_rng(7))
    >>> subtract_noise(image, noisy, {}, np.random.default_rng(7))[0, :, 0]
    array([50, 50], dtype=uint8)
    """
    noise = np.zeros(image.shape, int)
    for level in (BLACK, WHITE):
        noise += method(np.full_like(image, level), **arguments, secret_rng=copy.deepcopy(rng)).astype(int) - level
    darkest = np.clip(image - noise, BLACK, WHITE)
    brightest = np.where(image == WHITE, WHITE, darkest)
    darkest[image == BLACK] = BLACK
    return ((darkest + brightest) // 2).astype(np.uint8)
