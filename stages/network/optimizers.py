"""The optimizers that `train.optimizer` may name, with Keras' defaults, as updates of any network's variables.

Keras' own hold the variables of one network each, so their graphs cannot be shared by the networks of several seeds.
TensorFlow's kernels below are also one operation a variable, where Keras' optimizers make a dozen.
"""

from typing import NamedTuple, Protocol

from stages.network.runtime import tf

BETA_1, BETA_2 = 0.9, 0.999
RHO = 0.9
EPSILON = 1e-7
WEIGHT_DECAY = 0.004


class _Kernel(Protocol):
    def __call__(
        self, variable: tf.Variable, slots: list[tf.Variable], gradient: tf.Tensor, step: tf.Tensor, rate: tf.Tensor
    ) -> None: ...


class Optimizer(NamedTuple):
    """An update of one variable, and how many more of its shape it keeps, zero at first."""

    slot_count: int
    update: _Kernel  # of a variable and its slots; `step` counts from 1, float32, as is the learning rate


def _sgd(
    variable: tf.Variable, slots: list[tf.Variable], gradient: tf.Tensor, step: tf.Tensor, rate: tf.Tensor
) -> None:
    tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)


def _rmsprop(
    variable: tf.Variable, slots: list[tf.Variable], gradient: tf.Tensor, step: tf.Tensor, rate: tf.Tensor
) -> None:
    squares, momentum = (slot.handle for slot in slots)
    tf.raw_ops.ResourceApplyRMSProp(
        var=variable.handle,
        ms=squares,
        mom=momentum,
        lr=rate,
        rho=RHO,
        momentum=0.0,
        epsilon=EPSILON,
        grad=gradient,
    )


def _adam(
    variable: tf.Variable, slots: list[tf.Variable], gradient: tf.Tensor, step: tf.Tensor, rate: tf.Tensor
) -> None:
    first, second = (slot.handle for slot in slots)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=first,
        v=second,
        beta1_power=BETA_1**step,
        beta2_power=BETA_2**step,
        lr=rate,
        beta1=BETA_1,
        beta2=BETA_2,
        epsilon=EPSILON,
        grad=gradient,
    )


def _adamw(
    variable: tf.Variable, slots: list[tf.Variable], gradient: tf.Tensor, step: tf.Tensor, rate: tf.Tensor
) -> None:
    variable.assign_sub(variable * (WEIGHT_DECAY * rate))
    _adam(variable, slots, gradient, step, rate)


OPTIMIZERS = {
    "adam": Optimizer(2, _adam),
    "adamw": Optimizer(2, _adamw),
    "rmsprop": Optimizer(2, _rmsprop),
    "sgd": Optimizer(0, _sgd),
}
