"""Mask: nothing is left."""

import numpy as np

from stages.methods.mask import mask


def test_is_constant_and_new(photo):
    image = photo(7, 11)
    before = image.copy()
    masked = mask(image, value=128)
    assert masked.shape == image.shape and masked.dtype == np.uint8
    assert (masked == 128).all()
    np.testing.assert_array_equal(image, before)


def test_does_not_depend_on_the_image(photo):
    np.testing.assert_array_equal(mask(photo(5, 6, seed=1), value=0), mask(photo(5, 6, seed=2), value=0))
