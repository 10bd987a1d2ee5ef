"""What one training does again and again, traced once for the networks of all seeds."""

import itertools

import numpy as np

from stages.network.optimizers import Optimizer
from stages.network.runtime import keras, tf


class Network:
    """The variables of one seed's network in training.

    Parameters
    ----------
    model : keras.Model
        With the seed's initial weights.
    optimizer : Optimizer
        How many variables it keeps for each.
    """

    def __init__(self, model: keras.Model, optimizer: Optimizer):
        self.trainable = [tf.Variable(variable.numpy()) for variable in model.trainable_variables]
        self.others = [tf.Variable(variable.numpy()) for variable in model.non_trainable_variables]
        self.slots = [
            [tf.Variable(tf.zeros(variable.shape)) for _ in range(optimizer.slot_count)] for variable in self.trainable
        ]
        # Weights are all but the states of random generators.
        places = {variable.path: place for place, variable in enumerate(_variables(model))}
        self._weights = {variable.path: places[variable.path] for variable in model.weights}

    @property
    def variables(self) -> list[tf.Variable]:
        """All that changes in training."""
        return [*self.trainable, *self.others, *itertools.chain(*self.slots)]

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights by path, in the order of `keras.Model.weights`."""
        variables = self.variables
        return {path: variables[place].numpy() for path, place in self._weights.items()}


class Steps:
    """A step of training, and prediction, for any `Network` of a model.

    The model's layers are called with the network's variables in place of their own, so that tracing, which takes
    seconds, is done once and the networks may train at the same time, each on a thread of its own.

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
        inputs, labels = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype), tf.TensorSpec([None], tf.int64)
        number = tf.TensorSpec([], tf.float32)
        variables = network.trainable, network.others
        self._train = tf.function(self._step).get_concrete_function(
            *variables, network.slots, number, number, inputs, labels
        )
        self._predict = tf.function(self._probabilities).get_concrete_function(*variables, inputs)

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
        numbers = tf.constant(step, tf.float32), tf.constant(learning_rate, tf.float32)
        batch = tf.constant(inputs), tf.constant(labels)
        loss, right = self._train(network.trainable, network.others, network.slots, *numbers, *batch)
        return float(loss), float(right)

    def predict(self, network: Network, inputs: np.ndarray) -> np.ndarray:
        """Return the class probabilities of one batch, (images, classes) float32."""
        return self._predict(network.trainable, network.others, tf.constant(inputs)).numpy()

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
        values, kept = _values(trainable), _values(others)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for value in values:
                tape.watch(value)
            probabilities, kept = self._model.stateless_call(values, kept, inputs, training=True)
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
        gradients = tape.gradient(loss, values)
        for variable, value in zip(others, kept, strict=True):
            variable.assign(value)
        for variable, kept_of, gradient in zip(trainable, slots, gradients, strict=True):
            self._optimizer.update(variable, kept_of, gradient, step, learning_rate)
        right = tf.reduce_sum(tf.cast(tf.argmax(probabilities, axis=1) == labels, tf.float32))
        return loss, right

    def _probabilities(self, trainable: list[tf.Variable], others: list[tf.Variable], inputs: tf.Tensor) -> tf.Tensor:
        return self._model.stateless_call(_values(trainable), _values(others), inputs, training=False)[0]


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.trainable_variables, *model.non_trainable_variables]


def _values(variables: list[tf.Variable]) -> list[tf.Tensor]:
    return [variable.read_value() for variable in variables]
