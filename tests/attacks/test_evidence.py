"""An attack is found by its name, and none finds anything where nothing is left."""

import importlib
import re

import numpy as np
import pytest

from stages import attacks
from stages.attacks.evidence import UNKNOWN, Evidence, Photos, find_attacks
from tests.clones import ROOT


def photos(count: int, seed: int) -> Photos:
    raw = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return Photos(raw, raw.copy(), np.arange(count) % 3)


@pytest.fixture
def evidence() -> Evidence:
    return Evidence(photos(30, 0), photos(0, 1), photos(12, 2), seed=0)


def test_photos_of_known_people_alone():
    some = photos(4, 0)._replace(people=np.array([2, UNKNOWN, UNKNOWN, 0]))
    assert np.array_equal(some.known().raw, some.raw[[0, 3]])
    assert some.known().people.tolist() == [2, 0]


def test_the_readme_s_attack_is_found_by_its_name_and_names_people(tmp_path, monkeypatch, evidence):
    text = (ROOT / "stages/README.md").read_text()
    code = re.search(r"```python\n(def brightness.*?)```", text, re.DOTALL)[1]
    (tmp_path / "brightness.py").write_text(
        f"import numpy as np\nfrom stages.attacks.evidence import Evidence\n\n{code}\n\ndef helper(images): ...\n"
    )
    (tmp_path / "helper.py").write_text("def helper(images, people): ...\n")
    before = find_attacks()
    monkeypatch.setattr(attacks, "__path__", [*attacks.__path__, str(tmp_path)])
    found = find_attacks()
    assert found.keys() - before.keys() == {"brightness"}
    names = found["brightness"](evidence)
    assert names.shape == (12,)
    assert set(names) <= {0, 1, 2}
    nobody = [part._replace(people=np.full_like(part.people, UNKNOWN)) for part in evidence[:3]]
    assert found["brightness"](Evidence(*nobody, seed=0)) == {}
    (tmp_path / "naive.py").write_text("")
    with pytest.raises(ValueError, match="must not be called informed, naive.*received: naive"):
        find_attacks()


@pytest.mark.parametrize("name", find_attacks())
def test_an_attack_is_at_chance_where_every_image_is_the_same(name, evidence):
    blank = [part._replace(anonymized=np.full_like(part.anonymized, 7)) for part in evidence[:3]]
    found = find_attacks()[name](Evidence(*blank, seed=0))
    if isinstance(found, dict):
        assert all(np.isfinite(value) for value in found.values())
        if {"accuracy", "chance"} <= found.keys():
            assert found["accuracy"] == pytest.approx(found["chance"])
        expected = getattr(importlib.import_module(f"stages.attacks.{name}"), "AT_CHANCE", {})
        assert {key: found[key] for key in expected} == pytest.approx(expected)
    else:
        assert len(set(found.tolist())) == 1
