"""Subtracts secret noise from an image, for an attacker who knows the noise or guesses it."""

from collections.abc import Callable
from typing import Any

import numpy as np

GREY = 128  # so that noise shows to either side


def subtract_noise(
    image: np.ndarray, method: Callable[..., np.ndarray], arguments: dict[str, Any], rng: np.random.Generator
) -> np.ndarray:
    """Subtract the noise that a method adds.

    The noise is what the method makes of a flat grey image with the same generator, so it works for any method that
    adds noise which does not depend on the image.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image, anonymized.
    method : callable
        The method, which takes `secret_rng`.
    arguments : dict
        Its other arguments.
    rng : numpy.random.Generator
        In the state from which, the attacker believes, the method drew.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The image without the noise, clipped to 0 to 255.

    Examples
    --------
    >>> import numpy as np
    >>> def noisy(image, *, secret_rng):
    ...     return image + secret_rng.integers(0, 9, image.shape, dtype=np.uint8)
    >>> image = noisy(np.full((1, 2, 3), 50, np.uint8), secret_rng=np.random.default_rng(7))
    >>> subtract_noise(image, noisy, {}, np.random.default_rng(7))[0, :, 0]
    array([50, 50], dtype=uint8)
    """
    grey = np.full_like(image, GREY)
    noise = method(grey, **arguments, secret_rng=rng).astype(int) - GREY
    return np.clip(image - noise, 0, 255).astype(np.uint8)
