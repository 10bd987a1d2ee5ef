"""Draws depend on a seed and a name alone, on every machine."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from stages.core.seeding import generator, order_key
from tests.clones import ROOT


@pytest.mark.parametrize("name", ["é.png".encode(), b"\xe9.png"])
def test_a_key_is_the_digest_of_the_seed_and_the_names_bytes(name):
    assert order_key(3, os.fsdecode(name)) == hashlib.sha256(b"3:" + name).digest()


@pytest.mark.parametrize("other", [(1, "a"), (0, "b")])
def test_draws_depend_on_seed_and_name(other):
    assert not np.array_equal(generator(0, "a").random(4), generator(*other).random(4))


def test_draws_are_the_same_in_another_process():
    code = "from stages.core.seeding import generator; print(generator(5, 'train/a/1.png').integers(2**63))"
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment, cwd=ROOT)
    assert int(printed.stdout) == generator(5, "train/a/1.png").integers(2**63) == 2969767992330171887
