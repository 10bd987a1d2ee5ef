"""Draws depend on a seed and a name alone, on every machine."""

import hashlib
import os

import pytest

from stages.core.seeding import generator, order_key


@pytest.mark.parametrize("name", ["é.png".encode(), b"\xe9.png"])
def test_a_key_is_the_digest_of_the_seed_and_the_names_bytes(name):
    assert order_key(3, os.fsdecode(name)) == hashlib.sha256(b"3:" + name).digest()


def test_draws_depend_on_seed_and_name_and_are_the_same_on_every_machine():
    drawn = [generator(seed, name).integers(2**63) for seed, name in ((5, "a"), (5, "b"), (6, "a"))]
    assert len(set(drawn)) == 3
    assert generator(5, "train/a/1.png").integers(2**63) == 2969767992330171887
