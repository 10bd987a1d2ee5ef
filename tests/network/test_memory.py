import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.network import memory
from stages.network.memory import check_memory, networks_at_once, report_memory_errors
from stages.network.runtime import tf
from tests.clones import train_params

MACHINE = 2**30


def stored(images, *shape, dtype=np.uint8):
    """Return an array of that shape which takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), (images, *shape))


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.setattr(memory, "memory_bytes", lambda: MACHINE)


@pytest.mark.parametrize(
    ("changes", "inputs", "words"),
    [
        ({"batch_size": 64, "image_size": 224}, stored(1000, 224, 224, 3), "64 at `train.image_size` 224 .* 5 GiB"),
        ({"batch_size": 10**6, "backbone": "frozen"}, stored(10**6, 2048, dtype=np.float32), "1000000 takes .* 15 GiB"),
    ],
)
def test_a_batch_that_no_memory_holds_is_refused(changes, inputs, words):
    with pytest.raises(PipelineError, match=f"`train.batch_size` {words}"):
        check_memory(train_params(**changes), inputs)


def test_networks_share_the_machine_as_far_as_memory_holds_them(monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "4")
    params, inputs = train_params(batch_size=8), stored(1000, 32, 32, 3)
    at_once = {}
    for gib in (1, 4, 64):
        monkeypatch.setattr(memory, "memory_bytes", lambda gib=gib: gib * 2**30)
        at_once[gib] = [networks_at_once(params, inputs, count) for count in (1, 3, 9)]
    assert at_once == {1: [1, 1, 1], 4: [1, 2, 2], 64: [1, 3, 4]}


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM\nwhere")])
def test_a_lack_of_memory_is_one_line(error):
    words = "`train.batch_size` 7 at `train.image_size` 32"
    with pytest.raises(PipelineError, match=words) as caught, report_memory_errors(train_params(batch_size=7)):
        raise error
    assert len(str(caught.value).splitlines()) == 1
