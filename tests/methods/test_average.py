"""k-Same: no group is smaller than k, and alike or unlike people are together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.methods.average import fit

GROUPINGS = ("closest", "furthest")


@given(st.integers(2, 9), st.integers(0, 60), st.integers(1, 4), st.sampled_from(GROUPINGS))
def test_every_group_has_k_to_2k_less_1_people_and_everyone_is_in_one(k, more, values, grouping):
    features = np.random.default_rng(more).normal(size=(k + more, values)).round(1)  # with ties
    groups = fit(features, k=k, grouping=grouping)
    sizes = np.bincount(groups)
    assert len(groups) == k + more and sizes.min() >= k and sizes[:-1].max(initial=k) == k and sizes[-1] < 2 * k


def test_closest_puts_alike_people_together_and_furthest_does_not():
    features = np.repeat(np.random.default_rng(0).normal(size=(12, 5)), 3, axis=0)
    closest, furthest = (fit(features, k=3, grouping=grouping).reshape(12, 3) for grouping in GROUPINGS)
    assert (closest == closest[:, :1]).all()
    assert (furthest != furthest[:, :1]).any(axis=1).mean() > 0.9
