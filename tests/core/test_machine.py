"""What a result was made with."""

import pytest

from stages.core import machine
from stages.core.machine import PACKAGES, environment, processor_flags, processor_name

CPUINFO = "processor\t: 0\nmodel name\t: Fast: 9000\nflags\t\t: fma bf16\nmodel name\t: Slow\nflags\t\t: fma\n"


def test_it_is_the_same_twice_and_names_all_that_computes():
    made_with = environment()
    assert made_with == environment()
    assert set(PACKAGES) | {"python", "processor", "system"} == made_with.keys()
    assert all(isinstance(value, str) and value for value in made_with.values())
    assert environment(["A", "B"]) == made_with | {"accelerator": "A, B"}


@pytest.mark.parametrize(
    ("content", "chip", "name", "flags"),
    [
        (CPUINFO, "chip", "Fast: 9000", {"fma", "bf16"}),
        ("processor : 0\n", "chip", "chip", set()),
        (None, "chip", "chip", set()),
        (None, "", "arch", set()),
    ],
)
def test_the_processor_is_named_as_well_as_the_system_can(tmp_path, monkeypatch, content, chip, name, flags):
    file = tmp_path / "cpuinfo"
    if content:
        file.write_text(content)
    monkeypatch.setattr(machine, "_CPUINFO", file)
    monkeypatch.setattr("platform.processor", lambda: chip)
    monkeypatch.setattr("platform.machine", lambda: "arch")
    assert (processor_name(), processor_flags()) == (name, flags)
