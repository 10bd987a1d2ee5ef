"""Adam as one operation a variable: Keras' own makes a dozen, which take seconds to trace and longer to run."""

from stages.network.runtime import keras, tf


class Adam(keras.optimizers.Adam):
    """Keras' Adam without `amsgrad`, whose update is TensorFlow's `ResourceApplyAdam`."""

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        """Update a variable and its moments; a hook of Keras, see `keras.optimizers.Optimizer`."""
        index, step = self._get_variable_index(variable), tf.cast(self.iterations.value + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def make_optimizer(name: str, rate: keras.optimizers.schedules.LearningRateSchedule) -> keras.optimizers.Optimizer:
    """Return the optimizer that `train.optimizer` names, with Keras' defaults."""
    if name == "adam":
        return Adam(rate)
    return keras.optimizers.get({"class_name": name, "config": {"learning_rate": rate}})
