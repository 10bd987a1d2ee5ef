"""The README's attack works, and no attack finds anything where nothing is left."""

import importlib
import re

import numpy as np
import pytest

from stages.attacks.attackers import ATTACKS
from stages.attacks.evidence import UNKNOWN, Evidence, Photos
from stages.results.columns import ATTACKERS
from tests.clones import ROOT


def photos(count: int, seed: int) -> Photos:
    raw = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return Photos(raw, raw.copy(), np.arange(count) % 3)


@pytest.fixture
def evidence() -> Evidence:
    return Evidence(photos(30, 0), photos(0, 1), photos(12, 2), seed=0)


def test_the_readme_s_attack_names_people(evidence):
    text = (ROOT / "stages/README.md").read_text()
    names = {"np": np, "Evidence": Evidence}
    exec(re.search(r"```python\n(def brightness.*?)```", text, re.DOTALL)[1], names)
    brightness = names["brightness"]
    found = brightness(evidence)
    assert found.shape == (12,)
    assert set(found) <= {0, 1, 2}
    nobody = [part._replace(people=np.full_like(part.people, UNKNOWN)) for part in evidence[:3]]
    assert brightness(Evidence(*nobody, seed=0)) == {}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_at_chance_where_every_image_is_the_same(name, evidence):
    blank = [part._replace(anonymized=np.full_like(part.anonymized, 7)) for part in evidence[:3]]
    found = ATTACKS[name](Evidence(*blank, seed=0))
    if isinstance(found, dict):
        assert all(np.isfinite(value) for value in found.values())
        if {"accuracy", "chance"} <= found.keys():
            assert found["accuracy"] == pytest.approx(found["chance"])
        expected = getattr(importlib.import_module(f"stages.attacks.{name}"), "AT_CHANCE", {})
        assert {key: found[key] for key in expected} == pytest.approx(expected)
    else:
        assert name in ATTACKERS
        assert len(set(found.tolist())) == 1
