"""Trains many heads on random halves of the same stored features, as the attacks on membership need them."""

import math
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

from stages.core.machine import worker_count
from stages.core.parallel import map_bounded, progress
from stages.core.params import TrainParams
from stages.core.seeding import generator
from stages.network.classifier import build_classifier, cross_entropy, make_predictor
from stages.network.inputs import Features, validation_mask
from stages.network.runtime import tf
from stages.network.training import best_epoch, compile_model, divergence, is_over, reset_model

SHADOWS = 256  # LiRA's number of networks
_HALF = 0.5


def train_shadows(
    features: Features,
    params: TrainParams,
    score: Callable[[np.ndarray, np.ndarray], np.ndarray],
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return how each head scores all images, by their probabilities and labels, and on which it was trained.

    Each is trained as the network of a seed is, but on half of each class, drawn anew for each head, and without Keras'
    `fit`, whose own work takes longer than a head's.
    """
    seeds = range(-1, -1 - count, -1)  # none of `train.seeds`, whose validation images are drawn in the same way
    held_out = {seed: validation_mask(features.paths, features.labels, _HALF, seed) for seed in seeds}
    inputs, labels = tf.constant(features.inputs), tf.constant(features.labels)
    heads: SimpleQueue[_Head] = SimpleQueue()
    for _ in range(min(worker_count(), count)):
        heads.put(_Head(params, len(features.classes), inputs, labels, int((~held_out[-1]).sum())))

    def train(job: tuple[int, list[np.ndarray]]) -> np.ndarray:
        head = heads.get()
        try:
            return score(head.train(features, params, held_out[job[0]], *job), features.labels)
        finally:
            heads.put(head)

    # Built here, as not on several threads at once, and when a worker is about to be free.
    built = ((seed, build_classifier(params, len(features.classes), seed)) for seed in seeds)
    jobs = ((seed, [variable.numpy() for variable in model.variables]) for seed, model in built)
    scores = []
    with progress(total=count, label="shadows", unit="heads") as bar:
        for scored in map_bounded(train, jobs):
            scores.append(scored)
            bar.update()
    return np.array(scores), ~np.array(list(held_out.values()))


class _Head:
    """A compiled head, trained again and again, each time from other weights."""

    def __init__(self, params: TrainParams, class_count: int, inputs: tf.Tensor, labels: tf.Tensor, rows: int):
        self._model = build_classifier(params, class_count)
        compile_model(self._model, params, math.ceil(rows / params.batch_size))
        self._predict = make_predictor(self._model)

        def train_epoch(order: tf.Tensor) -> None:
            for start in tf.range(0, rows, params.batch_size):
                batch = order[start : start + params.batch_size]
                self._model.train_step((tf.gather(inputs, batch), tf.gather(labels, batch)))

        self._train_epoch = tf.function(train_epoch, input_signature=[tf.TensorSpec(rows, tf.int64)])
        self._train_epoch.get_concrete_function()  # here, as not on several threads at once

    def train(
        self, features: Features, params: TrainParams, held_out: np.ndarray, seed: int, initial: list[np.ndarray]
    ) -> np.ndarray:
        """Train it on the images that are not held out; return the probabilities of all."""
        reset_model(self._model, initial)
        rows, best = np.flatnonzero(~held_out), None
        history: list[dict[str, float]] = []
        while not is_over(history, params):
            self._train_epoch(tf.constant(generator(seed, f"epoch {len(history)}").permutation(rows)))
            history.append({})
            if params.patience is not None:
                probabilities = self._predict(features.inputs[held_out])
                history[-1]["val_loss"] = cross_entropy(probabilities, features.labels[held_out])
                if best_epoch(history) == len(history) - 1:
                    best = self._model.get_weights()
        if best is not None:
            self._model.set_weights(best)
        probabilities = self._predict(features.inputs)
        if not np.isfinite(probabilities).all():
            raise divergence(params)
        return probabilities
