"""The variables of a network in training: on one device, or the same on several that share each batch."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stages.network.optimizers import Optimizer
from stages.network.runtime import keras, tf


class Replica(NamedTuple):
    """A network's variables on one device."""

    trainable: list[tf.Variable]
    others: list[tf.Variable]
    slots: list[list[tf.Variable]]  # what the optimizer keeps of each trainable one

    @property
    def variables(self) -> list[tf.Variable]:
        """All that changes in training."""
        return [*self.trainable, *self.others, *itertools.chain(*self.slots)]


class Network:
    """The variables of one seed's network in training.

    Parameters
    ----------
    model : keras.Model
        With the seed's initial weights.
    optimizer : Optimizer
        How many variables it keeps for each.
    devices : sequence of str or None, optional
        Where a replica each lies; None leaves the place to TensorFlow.

    Attributes
    ----------
    devices : sequence of str or None
        As given.
    replicas : list of Replica
        One a device, all with the same values before and after each step.
    """

    def __init__(self, model: keras.Model, optimizer: Optimizer, devices: Sequence[str | None] = (None,)):
        self.devices = devices
        self.replicas = [_create_replica(model, optimizer, device) for device in devices]
        # Weights are all but the states of random generators.
        places = {variable.path: place for place, variable in enumerate(_variables(model))}
        self._weights = {variable.path: places[variable.path] for variable in model.weights}

    @property
    def variables(self) -> list[tf.Variable]:
        """All that changes in training, as the first replica has it."""
        return self.replicas[0].variables

    def assign(self, values: Sequence[np.ndarray]) -> None:
        """Give `variables`, in their order, other values, on every device."""
        for replica in self.replicas:
            for variable, value in zip(replica.variables, values, strict=True):
                variable.assign(value)

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights by path, in the order of `keras.Model.weights`."""
        variables = self.variables
        return {path: variables[place].numpy() for path, place in self._weights.items()}


def _create_replica(model: keras.Model, optimizer: Optimizer, device: str | None) -> Replica:
    with tf.device(device):
        trainable = [tf.Variable(variable.numpy()) for variable in model.trainable_variables]
        others = [tf.Variable(variable.numpy()) for variable in model.non_trainable_variables]
        slots = [[tf.Variable(tf.zeros(variable.shape)) for _ in range(optimizer.slot_count)] for variable in trainable]
    return Replica(trainable, others, slots)


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.trainable_variables, *model.non_trainable_variables]
