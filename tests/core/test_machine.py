"""What a result was made with."""

import pytest

from stages.core import machine
from stages.core.errors import PipelineError
from stages.core.files import write_file
from stages.core.machine import (
    KERNEL_VARIABLES,
    ONEDNN_VARIABLE,
    PACKAGES,
    environment,
    memory_bytes,
    onednn,
    processor_flags,
    processor_name,
)

CPUINFO = (
    "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: Fast: 9000\nflags\t\t: fma bf16\n"
    "model name\t: Slow\nflags\t\t: fma\n"
)


def test_it_is_the_same_twice_and_names_all_that_computes():
    made_with = environment()
    assert made_with == environment()
    named = {"system", "processor", "instructions", "oneDNN", "threads an operation", "python"}
    assert set(PACKAGES) | named == made_with.keys() - set(KERNEL_VARIABLES)
    assert all(isinstance(value, str) and value for value in made_with.values())
    assert environment(["A", "B"]) == made_with | {"accelerator": "A, B"}


@pytest.mark.parametrize(
    ("content", "chip", "name", "flags"),
    [
        (CPUINFO, "chip", "Fast: 9000 (family 25 model 1)", {"fma", "bf16"}),
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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (ONEDNN_VARIABLE, "0"),
        ("DNNL_MAX_CPU_ISA", "AVX2"),
        ("TF_XLA_FLAGS", "--tf_xla_auto_jit=2"),
        ("ONEDNN_MAX_CPU_ISA", "AVX2"),
        ("PIPELINE_OPERATION_THREADS", "7"),
        ("OPENBLAS_CORETYPE", "A"),
    ],
)
def test_what_chooses_kernels_is_recorded(variable, value, monkeypatch):
    made_with = environment()
    monkeypatch.setenv(variable, value)
    assert environment() != made_with


def test_onednn_is_on_where_it_helps_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv(ONEDNN_VARIABLE, raising=False)
    for machine_name, expected in (("x86_64", True), ("AMD64", True), ("arm64", None)):
        monkeypatch.setattr("platform.machine", lambda name=machine_name: name)
        assert onednn() is expected
    for value, expected in (("0", False), ("1", True)):
        monkeypatch.setenv(ONEDNN_VARIABLE, value)
        assert onednn() is expected
    monkeypatch.setenv(ONEDNN_VARIABLE, "yes")
    with pytest.raises(PipelineError):
        onednn()


@pytest.mark.parametrize(
    ("line", "files", "limit"),
    [
        ("0::/pod/box", {"pod/memory.max": "4000", "pod/box/memory.max": "max"}, 4000),
        ("0::/of/the/host", {"memory.max": "5000"}, 5000),
        ("4:memory:/box", {"memory/box/memory.limit_in_bytes": "6000"}, 6000),
        ("0::/", {}, None),
    ],
)
def test_memory_is_what_the_container_may_use(tmp_path, monkeypatch, line, files, limit):
    monkeypatch.setattr(machine, "_CGROUP", tmp_path / "missing")
    whole = memory_bytes()
    for name, content in files.items():
        write_file(tmp_path / name, f"{content}\n".encode())
    (tmp_path / "self").write_text(f"{line}\n")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path / "self")
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    assert memory_bytes() == (limit or whole)
