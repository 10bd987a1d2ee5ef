"""A step of training whose batch several devices share, by `tf.distribute.MirroredStrategy`."""

import numpy as np

from stages.network.optimizers import Optimizer
from stages.network.runtime import keras, tf
from stages.network.steps import Steps, read
from stages.network.variables import Network, Replica


class MirroredSteps(Steps):
    """`Steps` for networks with several replicas, all on the same devices.

    Each replica sees a part of the batch. Loss, gradients and the statistics that batch normalization keeps are the
    parts' means, weighted by how many images a part has, so that a step follows the gradient of the whole batch. In
    training, batch normalization sees its own part alone, as in Keras.

    The variables are plain ones, a set for each device: those made in the strategy's scope are no arguments of a traced
    function but parts of it, so that each network would need a trace of its own.

    Parameters
    ----------
    model : keras.Model
        The layers.
    optimizer : Optimizer
        The update.
    network : Network
        Any of the model's on these devices.
    """

    def __init__(self, model: keras.Model, optimizer: Optimizer, network: Network):
        # The default, collective operations, fails where one process has several strategies: their groups have one key.
        # This one also adds up in the same order on any machine.
        self._strategy = tf.distribute.MirroredStrategy(
            network.devices, cross_device_ops=tf.distribute.ReductionToOneDevice()
        )
        super().__init__(model, optimizer, network)

    def train(
        self, network: Network, step: int, learning_rate: float, inputs: np.ndarray, labels: np.ndarray
    ) -> tuple[float, float]:
        """Train on one batch; see `Steps.train`."""
        parts = np.array_split(np.arange(len(labels)), len(network.devices))
        batch = []
        for part, device in zip(parts, network.devices, strict=True):
            # On a GPU, not every operation takes an empty batch: a replica without images gets one whose share is 0.
            rows = part if len(part) else [0]
            with tf.device(device):
                share = tf.constant(len(part) / len(labels), tf.float32)
                batch.append((tf.constant(inputs[rows]), tf.constant(labels[rows]), share))
        with tf.device(network.devices[0]):
            numbers = tf.constant(step, tf.float32), tf.constant(learning_rate, tf.float32)
            loss, right = self._train(network.replicas, *numbers, batch)
            return float(loss), float(right)

    def _trace_training(self, network: Network) -> tf.types.experimental.ConcreteFunction:
        batch = [(self._inputs, self._labels, self._number)] * len(network.devices)
        return tf.function(self._mirrored_step).get_concrete_function(
            network.replicas, self._number, self._number, batch
        )

    def _mirrored_step(
        self,
        replicas: list[Replica],
        step: tf.Tensor,
        learning_rate: tf.Tensor,
        batch: list[tuple[tf.Tensor, tf.Tensor, tf.Tensor]],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        def run() -> tuple[tf.Tensor, tf.Tensor]:
            context = tf.distribute.get_replica_context()
            place = int(tf.get_static_value(context.replica_id_in_sync_group))
            return self._replica_step(context, place, replicas[place], batch[place], step, learning_rate)

        return tuple(self._strategy.experimental_local_results(each)[0] for each in self._strategy.run(run))

    def _replica_step(
        self,
        context: tf.distribute.ReplicaContext,
        place: int,
        replica: Replica,
        batch: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        step: tf.Tensor,
        learning_rate: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        inputs, labels, share = batch
        # The states of random generators are whole numbers: each replica draws dropout of its own.
        kept = [value if value.dtype.is_floating else value + place for value in read(replica.others)]
        loss, right, kept, gradients = self._differentiate(read(replica.trainable), kept, inputs, labels)
        statistics = [value for value in kept if value.dtype.is_floating]
        weighted = tf.nest.map_structure(
            # Also where a share is 0 and the value is not a number.
            lambda value: tf.math.multiply_no_nan(value, share),
            (loss, statistics, gradients),
        )
        counted = tf.math.multiply_no_nan(right, tf.sign(share))
        (loss, statistics, gradients), right = context.all_reduce(tf.distribute.ReduceOp.SUM, (weighted, counted))
        means = iter(statistics)
        kept = [next(means) if value.dtype.is_floating else value - place for value in kept]
        self._update(replica, kept, gradients, step, learning_rate)
        return loss, right
