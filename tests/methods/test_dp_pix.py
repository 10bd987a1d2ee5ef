"""DP-Pix: the noise has the scale that the guarantee needs."""

import numpy as np
import pytest

from stages.methods.dp_pix import dp_pix
from stages.methods.pixelation import pixelation


def noise_of(size: int, blocks: int, **options: float) -> np.ndarray:
    image = np.full((size * blocks, size * blocks, 3), 128, np.uint8)
    noisy = dp_pix(image, block_size=size, secret_rng=np.random.default_rng(1), **options)
    return noisy[::size, ::size].astype(float) - 128


@pytest.mark.parametrize(
    ("size", "epsilon", "neighbourhood"), [(8, 1, 2), (8, 0.5, 1), (16, 0.5, 4), (4, 4, 1), (12, 2, 16)]
)
def test_noise_is_laplace_of_the_papers_scale(size, epsilon, neighbourhood):
    scale = 255 * neighbourhood / (size**2 * epsilon)
    noise = noise_of(size, 60, epsilon=epsilon, neighbourhood=neighbourhood)
    inside = np.abs(noise) < 127
    share = 1 - np.exp(-127 / scale)
    mean = scale - 127 * np.exp(-127 / scale) / share  # of the absolute value, what is clipped left out
    assert abs(np.abs(noise[inside]).mean() - mean) < 0.05 * mean + 0.02
    assert abs(inside.mean() - share) < 0.02
    assert abs(noise.mean()) < 6 * scale / np.sqrt(noise.size)
    # The tail of a Laplace distribution is heavier than a normal one's.
    assert (np.abs(noise) > 3 * scale).mean() == pytest.approx(np.exp(-3), abs=0.015)


def test_channels_and_blocks_have_noise_of_their_own_that_depends_on_the_generator_alone():
    noise = noise_of(8, 40, epsilon=1, neighbourhood=2)
    assert np.abs(np.corrcoef(noise.reshape(-1, 3).T)[np.triu_indices(3, 1)]).max() < 0.1
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.1
    image, options = np.full((33, 26, 3), 9, np.uint8), {"block_size": 8, "epsilon": 1, "neighbourhood": 1}
    first, same, different = (dp_pix(image, **options, secret_rng=np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (first == same).all() and (first != different).any()


def test_cut_off_blocks_have_more_noise():
    image, options = np.full((8, 10, 3), 128, np.uint8), {"block_size": 8, "epsilon": 8, "neighbourhood": 1}
    draws = [dp_pix(image, **options, secret_rng=np.random.default_rng(seed)) for seed in range(400)]
    noise = np.abs(np.array(draws)[:, 0, [0, -1]].astype(float) - 128).mean(axis=(0, 2))
    assert noise[1] / noise[0] == pytest.approx(4, rel=0.25)


def test_little_noise_leaves_pixelation_and_much_leaves_nothing(photo):
    image = photo(64, 61)
    little, much = (
        dp_pix(image, block_size=8, epsilon=epsilon, neighbourhood=16, secret_rng=np.random.default_rng(0))
        for epsilon in (1e6, 1e-4)
    )
    np.testing.assert_allclose(little.astype(int), pixelation(image, block_size=8), atol=1)
    assert set(np.unique(much)) == {0, 255}
