import json

import pytest

from stages.core import machine as room
from stages.core.machine import PACKAGES, environment, processor_flags, processor_name


def test_it_is_the_same_twice_and_names_all_that_computes():
    made_with = environment()
    assert made_with == environment()
    assert set(PACKAGES) | {"python", "processor", "system"} == made_with.keys()
    assert all(made_with.values())
    assert json.loads(json.dumps(made_with)) == made_with


def test_accelerators_are_named_where_there_are_some():
    assert environment(["A", "B"])["accelerator"] == "A, B"


@pytest.mark.parametrize(
    ("content", "name"),
    [("processor\t: 0\nmodel name\t: Fast: 9000\nmodel name\t: Slow\n", "Fast: 9000"), ("processor : 0\n", "chip")],
)
def test_the_processor_is_the_systems_word_for_it(tmp_path, monkeypatch, content, name):
    (tmp_path / "cpuinfo").write_text(content)
    monkeypatch.setattr(room, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(room.platform, "processor", lambda: "chip")
    assert processor_name() == name


def test_without_the_systems_list_the_architecture_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_CPUINFO", tmp_path / "none")
    monkeypatch.setattr(room.platform, "processor", lambda: "")
    monkeypatch.setattr(room.platform, "machine", lambda: "arch")
    assert processor_name() == "arch"


def test_what_the_processor_can_do_is_told_where_the_system_does(tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text("model name\t: Fast\nflags\t\t: fma bf16\nflags\t\t: fma\n")
    monkeypatch.setattr(room, "_CPUINFO", tmp_path / "cpuinfo")
    assert processor_flags() == {"fma", "bf16"}
    monkeypatch.setattr(room, "_CPUINFO", tmp_path / "none")
    assert processor_flags() == set()
