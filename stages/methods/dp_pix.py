"""DP-Pix: pixelation with differential privacy."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from stages.methods.shared.blocks import block_sums, spread_blocks
from stages.methods.shared.method import Method


def dp_pix(
    image: np.ndarray,
    *,
    block_size: Annotated[int, Ge(1), Le(10_000)],
    epsilon: Annotated[float, Gt(0), Le(1_000_000)],
    neighbourhood: Annotated[int, Ge(1), Le(1_000_000_000)],
    secret_rng: np.random.Generator,
) -> np.ndarray:
    """Pixelate an image and add Laplace noise to the mean of every block.

    The noise has the scale ``255 * m / (b**2 * epsilon)``, with m for `neighbourhood` and b for `block_size`.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image.
    block_size : int
        Side of the blocks in pixels, 1 to 10,000. A block cut off by the border has more noise, by its number of pixels
        in place of b**2.
    epsilon : float
        Privacy budget of each channel, above 0: the smaller, the more noise.
    neighbourhood : int
        The number of pixels m by which neighbouring images may differ, at least 1.
    secret_rng : numpy.random.Generator
        Source of the noise, whose numbers nobody can compute from what is published.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The noisy pixelated image, clipped to 0 to 255 and rounded.

    Notes
    -----
    The guarantee, as in [1]_, is for grey images: two images are m-neighbours if they have the same size and differ by
    at most m pixels, and DP-Pix is epsilon-differentially private for m-neighbours: no result is more than e**epsilon
    times as likely for one as for the other. Clipping and rounding come after the noise and cost nothing.

    Each of the three channels, as a grey image, has this guarantee. The image has it for 3 * epsilon, as a pixel may
    differ in all channels. So has a grey photo, as each of its three equal channels gets noise of its own.

    The guarantee is about m pixels of one image. Anything that covers more pixels, such as a face in close-up, or that
    appears in several images, is protected less. An image that is published at two strengths has the guarantee for the
    sum of their epsilons, and so have the frames of a burst, which each have noise of their own, for what they share:
    publish one of them. The same noise for all of them would leave their differences without protection.

    And it holds only while the noise is secret: whoever can reproduce the noise can subtract it. So it comes from
    `data/secret.key`. Each image and strength has noise of its own, and copies of an image have the same, as the mean
    of many would show what each hides. Keep that file: an image that is published again with another secret is
    published twice. Keep it to yourself: it tells whether an image that someone holds is the original.

    References
    ----------
    .. [1] L. Fan, "Image pixelization with differential privacy", Data and Applications Security and Privacy XXXII
       (DBSec), 2018, 148-162.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((2, 4, 3), 100, np.uint8)
    >>> dp_pix(image, block_size=2, epsilon=1e4, neighbourhood=1, secret_rng=np.random.default_rng(0))[0, :, 0]
    array([100, 100, 100, 100], dtype=uint8)
    """
    sums, counts = block_sums(image, block_size)
    noise = secret_rng.laplace(size=sums.shape) * (255 * neighbourhood / (epsilon * counts))
    noisy = np.floor(np.clip(sums / counts + noise, 0, 255) + 0.5).astype(np.uint8)
    return spread_blocks(noisy, block_size, image.shape)


METHOD = Method(
    dp_pix,
    grid_period=lambda *, block_size, **_: block_size,
    block_noise=lambda *, block_size, epsilon, neighbourhood: (block_size, 255 * neighbourhood / epsilon),
    examples=({"block_size": 6, "epsilon": 1e6, "neighbourhood": 1},),
)
