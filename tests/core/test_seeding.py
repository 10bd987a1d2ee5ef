import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from stages.core.seeding import generator, order_key
from tests.clones import ROOT

NAMES = [f"train/a/{number}.png" for number in range(200)]


def test_key_is_the_digest_of_seed_and_name():
    assert order_key(3, "é.png") == hashlib.sha256(b"3:\xc3\xa9.png").digest()


def test_key_of_a_name_that_is_not_utf8_is_of_its_bytes():
    assert order_key(0, os.fsdecode(b"\xe9.png")) == hashlib.sha256(b"0:\xe9.png").digest()


def test_order_depends_on_the_seed():
    orders = [sorted(NAMES, key=lambda name: order_key(seed, name)) for seed in (0, 1)]  # noqa: B023
    assert orders[0] != orders[1]
    assert NAMES not in orders


def test_order_is_near_uniform():
    first_half = [sorted(NAMES, key=lambda name: order_key(seed, name)).index(NAMES[0]) < 100 for seed in range(400)]  # noqa: B023
    assert 160 < sum(first_half) < 240


@pytest.mark.parametrize("other", [(1, "a"), (0, "b")])
def test_draws_depend_on_seed_and_name(other):
    assert not np.array_equal(generator(0, "a").random(4), generator(*other).random(4))


def test_draws_are_the_same_in_another_process():
    code = "from stages.core.seeding import generator; print(generator(5, 'train/a/1.png').integers(2**63))"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=environment, cwd=ROOT
    ).stdout
    assert int(printed) == generator(5, "train/a/1.png").integers(2**63) == 2969767992330171887
