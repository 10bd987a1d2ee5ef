"""The optimizers that `train.optimizer` may name."""

from stages.core.params import TrainParams
from stages.network.runtime import keras, tf


class FusedAdam(keras.optimizers.Optimizer):
    """Adam as in Keras, with TensorFlow's own kernel for each step.

    It is quicker to trace: the default's network ends its second step after 9.7 seconds of processor time, with Keras'
    Adam after 12.0. A step takes as long with either.
    """

    BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Keras' defaults

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the two moments of each variable."""
        if self.built:
            return
        super().build(variables)
        moments = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        self.moments = {variable.value.ref(): pair for variable, *pair in zip(variables, *moments, strict=True)}

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        """Update one variable and its two moments."""
        momentum, velocity = self.moments[variable.ref()]
        step = tf.cast(self.iterations.value + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=momentum.value.handle,
            v=velocity.value.handle,
            beta1_power=self.BETA_1**step,
            beta2_power=self.BETA_2**step,
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.BETA_1,
            beta2=self.BETA_2,
            epsilon=self.EPSILON,
            grad=gradient,
        )


def make_optimizer(params: TrainParams) -> keras.optimizers.Optimizer:
    """Return the optimizer that the params name."""
    if params.optimizer == "adam":
        return FusedAdam(params.learning_rate)
    return keras.optimizers.get({"class_name": params.optimizer, "config": {"learning_rate": params.learning_rate}})
