"""How fast a step of training is, beside what a matrix product on the same core predicts."""

import time
from collections.abc import Sequence
from statistics import median

from stages.core.params import TrainParams
from stages.network.runtime import tf

_FORWARD = 7.7e9  # operations of ResNet50 on one image of 224 x 224, two a multiplication with addition
_TRAINING = 3  # times as many for the forward pass and both gradients
_SLOW = 5
_FEWEST_STEPS = 10


def operations(images: int, size: int, *, training: bool = False) -> float:
    """Return how many operations ResNet50 takes on images of a size; all its layers shrink with the input."""
    return _FORWARD * (size / 224) ** 2 * images * (_TRAINING if training else 1)


def matrix_product_rate(precision: str, side: int = 1024, times: int = 5) -> float:
    """Return the operations that a matrix product reaches at best in a second of processor time."""
    matrix, seconds = tf.cast(tf.random.stateless_uniform((side, side), (0, 0)), precision), []
    for _ in range(times):
        start = time.process_time()
        (matrix @ matrix).numpy()
        seconds.append(time.process_time() - start)
    return 2 * side**3 / min(seconds)


def slow_step(params: TrainParams, seconds: Sequence[float]) -> str:
    """Return a line if a step takes far more processor time than a matrix product predicts, else nothing."""
    if params.backbone == "frozen" or len(seconds) < _FEWEST_STEPS or tf.config.list_physical_devices("GPU"):
        return ""
    predicted = operations(params.batch_size, params.image_size, training=True) / matrix_product_rate(params.precision)
    times = median(seconds) / predicted
    if times < _SLOW:
        return ""
    return (
        f"a step takes {times:.0f} times as long as a matrix product of as many operations; "
        "is oneDNN off (`TF_ENABLE_ONEDNN_OPTS=0`), or `train.precision` one that this processor lacks?"
    )
