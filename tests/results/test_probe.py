"""The probe learns what thumbnails and gradients show, and nothing else."""

import numpy as np
import pytest

from stages.results.probe import probe_features, run_probe


def photos(count, seed, colour=0, stripes=False):
    """Draw noise, brighter in red by a class's colour, or striped one way or the other by class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 100, (count, 48, 64, 3))
    images[..., 0] += colour * labels[:, None, None]
    if stripes:
        bars = (np.arange(48)[:, None] // 6 % 2 * 100 * np.ones(64)).astype(int)
        across = (np.ones(48)[:, None] * (np.arange(64) // 8 % 2) * 100).astype(int)
        images += np.where(labels[:, None, None] == 1, bars, across)[..., None]
    return np.stack([probe_features(image.astype(np.uint8)) for image in images]), labels


@pytest.mark.parametrize("shown", [{"colour": 60}, {"stripes": True}])
def test_it_sees_colours_and_the_direction_of_edges(shown):
    features, labels = photos(60, 0, **shown)
    test, expected = photos(40, 1, **shown)
    nothing, _ = photos(40, 2)
    on_test, on_nothing = run_probe(features, labels, [test, nothing])
    assert (on_test == expected).mean() > 0.9
    assert (on_nothing == expected).mean() == pytest.approx(0.5, abs=0.25)


def test_it_is_the_same_twice_and_knows_no_class_that_was_not_shown():
    features, labels = photos(60, 0)
    assert (run_probe(features, labels, [features])[0] == run_probe(features, labels, [features])[0]).all()
    assert set(run_probe(features, 0 * labels, [features])[0].tolist()) == {0}
