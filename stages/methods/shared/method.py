"""What a method is: a function that anonymizes an image, and what attackers and tests may know of it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Method:
    """A method; a file ``stages/methods/<name>.py`` has the function `<name>`, and one of these, `METHOD`.

    Attributes
    ----------
    apply : callable
        Takes an image, ndarray of uint8, shape (height, width, 3), RGB, and keyword-only arguments, whose annotations
        say what `params.yaml` may hold; returns a new image of that shape and type. With an argument `rng` it gets
        draws that depend on `seed` and the image's path, with `secret_rng` draws that nobody can compute. With `hole`,
        ndarray of bool, shape (height, width), it acts on regions alone: it gets a part of an image around one, and
        what it is to fill there.
        With `fitted`, it gets the mean of the image's group.
    fit : callable, optional
        For a method that looks at the whole data set: takes what people look like, (people, values) float64, and the
        arguments, and returns the group of each, (people,) int. `apply` then has an argument `fitted`.
    grid_period : callable, optional
        Takes the arguments, and returns after how many pixels the grid of blocks repeats; by default 1, as without one.
        The restoration learns one map for each place in the grid.
    blur_kernel : callable, optional
        Takes the arguments, and returns one axis, (n,) float64, of a separable, symmetric blur; by default None. The
        restoration tries Wiener deconvolution.
    block_noise : callable, optional
        Takes the arguments, and returns the side of a block and the scale of the Laplace noise in the sum of its
        pixels, of a method that publishes blocks' noisy means, clipped and rounded; by default None. Attackers then
        name and link by likelihood.
    examples : tuple of dict
        Arguments that the tests use.
    mixes_channels : bool, default=False
        Whether a colour depends on the others, for the tests.
    sees_whole_image : bool, default=False
        Whether a pixel depends on all of them, as in a palette, for the tests.
    """

    apply: Callable[..., np.ndarray]
    fit: Callable[..., np.ndarray] | None = None
    grid_period: Callable[..., int] = lambda **_: 1
    blur_kernel: Callable[..., np.ndarray | None] = lambda **_: None
    block_noise: Callable[..., tuple[int, float] | None] = lambda **_: None
    examples: tuple[dict[str, Any], ...] = ()
    mixes_channels: bool = False
    sees_whole_image: bool = False


def find_method(name: str) -> Method:
    """Return the record of the file ``stages/methods/<name>.py``."""
    return importlib.import_module(f"stages.methods.{name}").METHOD
