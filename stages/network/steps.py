"""What one training does again and again, traced once for the networks of all seeds."""

import numpy as np

from stages.network.optimizers import Optimizer
from stages.network.runtime import keras, tf
from stages.network.variables import Network, Replica


class Steps:
    """A step of training, and prediction, for any `Network` of a model.

    The model's layers are called with the network's variables in place of their own, so that tracing, which takes
    seconds, is done once and the networks may train at the same time, each on a thread of its own. The traced functions
    name no device, so they also serve networks on several.

    Parameters
    ----------
    model : keras.Model
        The layers.
    optimizer : Optimizer
        The update.
    network : Network
        Any of the model's.
    """

    def __init__(self, model: keras.Model, optimizer: Optimizer, network: Network):
        self._model, self._optimizer = model, optimizer
        self._inputs = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype)
        self._labels, self._number = tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.float32)
        self._train = self._trace_training(network)
        replica = network.replicas[0]
        self._predict = tf.function(self._probabilities).get_concrete_function(
            replica.trainable, replica.others, self._inputs
        )

    def train(
        self, network: Network, step: int, learning_rate: float, inputs: np.ndarray, labels: np.ndarray
    ) -> tuple[float, float]:
        """Train on one batch.

        Parameters
        ----------
        network : Network
            Is changed.
        step : int
            Its number, from 1.
        learning_rate : float
            Of this step.
        inputs, labels : numpy.ndarray
            The batch, (images, ...) and (images,) int64.

        Returns
        -------
        loss : float
            Mean cross-entropy in nats.
        right : float
            How many images were right.
        """
        with tf.device(network.devices[0]):
            numbers = tf.constant(step, tf.float32), tf.constant(learning_rate, tf.float32)
            batch = tf.constant(inputs), tf.constant(labels)
            loss, right = self._train(*network.replicas[0], *numbers, *batch)
            return float(loss), float(right)

    def predict(self, network: Network, inputs: np.ndarray) -> np.ndarray:
        """Return the class probabilities of one batch, (images, classes) float32."""
        replica = network.replicas[0]
        with tf.device(network.devices[0]):
            return self._predict(replica.trainable, replica.others, tf.constant(inputs)).numpy()

    def _trace_training(self, network: Network) -> tf.types.experimental.ConcreteFunction:
        return tf.function(self._step).get_concrete_function(
            *network.replicas[0], self._number, self._number, self._inputs, self._labels
        )

    def _step(
        self,
        trainable: list[tf.Variable],
        others: list[tf.Variable],
        slots: list[list[tf.Variable]],
        step: tf.Tensor,
        learning_rate: tf.Tensor,
        inputs: tf.Tensor,
        labels: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        values, kept = read(trainable), read(others)
        loss, right, kept, gradients = self._differentiate(values, kept, inputs, labels)
        self._update(Replica(trainable, others, slots), kept, gradients, step, learning_rate)
        return loss, right

    def _differentiate(
        self, values: list[tf.Tensor], kept: list[tf.Tensor], inputs: tf.Tensor, labels: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for value in values:
                tape.watch(value)
            probabilities, kept = self._model.stateless_call(values, kept, inputs, training=True)
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
        right = tf.reduce_sum(tf.cast(tf.argmax(probabilities, axis=1) == labels, tf.float32))
        return loss, right, kept, tape.gradient(loss, values)

    def _update(
        self,
        replica: Replica,
        kept: list[tf.Tensor],
        gradients: list[tf.Tensor],
        step: tf.Tensor,
        learning_rate: tf.Tensor,
    ) -> None:
        for variable, value in zip(replica.others, kept, strict=True):
            variable.assign(value)
        for variable, slots, gradient in zip(replica.trainable, replica.slots, gradients, strict=True):
            self._optimizer.update(variable, slots, gradient, step, learning_rate)

    def _probabilities(self, trainable: list[tf.Variable], others: list[tf.Variable], inputs: tf.Tensor) -> tf.Tensor:
        return self._model.stateless_call(read(trainable), read(others), inputs, training=False)[0]


def read(variables: list[tf.Variable]) -> list[tf.Tensor]:
    """Return the values that variables have now."""
    return [variable.read_value() for variable in variables]
