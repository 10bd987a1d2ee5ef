"""Fan's DP-Pix and DP-Blur for grey images: `tests/published.py` puts this method into its clone.

`dp_pix` draws noise for each of three channels, which would give a grey image away three times.
"""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from stages.methods.dp_pix import dp_pix
from stages.methods.gaussian_blur import blur_kernel as gaussian_kernel
from stages.methods.gaussian_blur import gaussian_blur
from stages.methods.shared.method import Method


def dp_blur(
    image: np.ndarray,
    *,
    block_size: Annotated[int, Ge(1), Le(10_000)],
    epsilon: Annotated[float, Gt(0), Le(1_000_000)],
    neighbourhood: Annotated[int, Ge(1), Le(1_000_000_000)],
    sigma: Annotated[float, Ge(0), Le(1000)],
    secret_rng: np.random.Generator,
) -> np.ndarray:
    """Pixelate the first channel with noise, give it to all three, and blur; a `sigma` of 0 is DP-Pix."""
    noisy = dp_pix(
        image[:, :, :1], block_size=block_size, epsilon=epsilon, neighbourhood=neighbourhood, secret_rng=secret_rng
    )
    return gaussian_blur(noisy.repeat(3, axis=2), sigma=sigma)


def grid_period(*, block_size: int, **_: float) -> int:
    """Return after how many pixels the grid of blocks repeats."""
    return block_size


def blur_kernel(*, sigma: float, **_: float) -> np.ndarray | None:
    """Return one axis of the blur's kernel."""
    return gaussian_kernel(sigma=sigma) if sigma > 0 else None


def block_noise(*, block_size: int, epsilon: float, neighbourhood: int, sigma: float) -> tuple[int, float] | None:
    """Return the side of the blocks, and the scale of the noise in their sums, unless they are blurred."""
    return None if sigma > 0 else (block_size, 255 * neighbourhood / epsilon)


METHOD = Method(dp_blur, grid_period=grid_period, blur_kernel=blur_kernel, block_noise=block_noise)
