"""What is remembered is what would be made anew, and nothing is remembered that was made of something else."""

import numpy as np
import pytest

from stages.core import store
from stages.core.paths import PARTIAL
from stages.core.store import remembered


@pytest.fixture
def made(working_folder):
    """The calls that were not answered from a file."""
    return []


def ask(made: list, *inputs: object, name: str = "sum") -> np.ndarray:
    def make() -> dict[str, np.ndarray]:
        made.append(inputs)
        return {"sum": np.asfortranarray(np.full((2, 3), sum(map(np.sum, inputs)) / 3))}

    return remembered(name, inputs, ("core",), make)["sum"]


def test_the_same_inputs_are_worked_on_once_and_give_the_same_bytes_in_the_same_order(made):
    first, second = (ask(made, 1, np.arange(4)) for _ in range(2))
    assert len(made) == 1
    assert first.tobytes() == second.tobytes()
    assert first.flags.f_contiguous == second.flags.f_contiguous is True


@pytest.mark.parametrize(
    "inputs", [(2, np.arange(4)), (1, np.arange(4)[::-1]), (1, np.arange(4).reshape(2, 2)), (1, np.arange(4.0))]
)
def test_other_inputs_are_worked_on_and_take_the_place_of_the_first(made, inputs):
    ask(made, 1, np.arange(4))
    ask(made, 1, np.arange(4), name="kept")
    ask(made, *inputs)
    assert len(made) == 3
    assert sorted(file.name.split("_")[0] for file in PARTIAL.iterdir()) == ["kept", "sum"]


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04", None])
def test_a_file_that_is_not_whole_is_made_anew(made, capsys, broken):
    right = ask(made, 1)
    (file,) = PARTIAL.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content if broken is None else broken)
    assert np.array_equal(ask(made, 1), right)
    assert capsys.readouterr().out == f"`{file}` is not whole; what it held is made anew\n"
    assert len(made) == 2
    ask(made, 1)
    assert len(made) == 2


def test_python_objects_are_neither_written_nor_read(made):
    ask(made, 1)
    (file,) = PARTIAL.iterdir()
    np.savez(file, sum=np.array([print], object))
    assert ask(made, 1)[0, 0] == 1 / 3


@pytest.mark.parametrize("name", ["environment", "code_digest"])
def test_another_machine_or_other_code_works_anew(made, monkeypatch, name):
    ask(made, 1)
    monkeypatch.setattr(store, name, lambda *places: "another")
    ask(made, 1)
    assert len(made) == 2
