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


def test_channels_and_blocks_have_noise_of_their_own():
    noise = noise_of(8, 40, epsilon=1, neighbourhood=2)
    flat = noise.reshape(-1, 3)
    assert np.abs(np.corrcoef(flat.T)[np.triu_indices(3, 1)]).max() < 0.1
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.1


def test_cut_off_blocks_have_more_noise():
    image = np.full((8, 8 * 2000 + 2, 3), 128, np.uint8)
    draws = [
        dp_pix(image[:, -10:], block_size=8, epsilon=8, neighbourhood=1, secret_rng=np.random.default_rng(seed))
        for seed in range(400)
    ]
    noise = np.abs(np.array(draws)[:, 0, [0, -1]].astype(float) - 128).mean(axis=(0, 2))
    assert noise[1] / noise[0] == pytest.approx(4, rel=0.25)


def test_little_noise_leaves_pixelation(photo):
    image = photo(30, 45)
    noisy = dp_pix(image, block_size=8, epsilon=1e6, neighbourhood=1, secret_rng=np.random.default_rng(0))
    np.testing.assert_allclose(noisy.astype(int), pixelation(image, block_size=8), atol=1)


def test_much_noise_leaves_nothing_and_stays_in_range(photo):
    noisy = dp_pix(photo(64, 64), block_size=8, epsilon=1e-4, neighbourhood=16, secret_rng=np.random.default_rng(0))
    assert set(np.unique(noisy)) == {0, 255}


def test_depends_on_the_generator_alone(photo):
    image = photo(33, 26)
    before = image.copy()
    one, same, other = (
        dp_pix(image, block_size=8, epsilon=1, neighbourhood=1, secret_rng=np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1)])
def test_small_images(size):
    image = np.zeros((*size, 3), np.uint8)
    noisy = dp_pix(image, block_size=16, epsilon=1, neighbourhood=1, secret_rng=np.random.default_rng(0))
    assert noisy.shape == image.shape
