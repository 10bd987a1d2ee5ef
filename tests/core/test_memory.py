import pytest

from stages.core.errors import PipelineError
from stages.core.memory import check_memory, report_memory_errors
from stages.core.network import tf
from stages.core.params import load_params
from tests.clones import ROOT


def train_params(**changes):
    return load_params(ROOT / "params.yaml").train.model_copy(update=changes)


def test_a_batch_that_no_memory_holds_is_refused():
    with pytest.raises(PipelineError, match=r"^`train.batch_size` 1000000 at `train.image_size` 224 takes more than"):
        check_memory(train_params(batch_size=10**6, image_size=224), 10**6)


@pytest.mark.parametrize(
    ("changes", "images"),
    [({}, 10**6), ({"batch_size": 10**6}, 10), ({"batch_size": 10**9, "backbone": "frozen"}, 10**9)],
)
def test_a_batch_that_fits_is_not_refused(changes, images):
    check_memory(train_params(**changes), images)


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM\nwhere")])
def test_a_lack_of_memory_is_one_line(error):
    with pytest.raises(PipelineError) as caught, report_memory_errors(train_params(batch_size=7)):
        raise error
    reason = "OOM" if str(error) else "out of memory"
    assert str(caught.value) == (
        f"memory is too small for `train.batch_size` 7 at `train.image_size` 32; lower one of the two ({reason})"
    )
