"""Names people by a convolutional network, in place of discriminants where it does better. Imports TensorFlow."""

import copy
from collections.abc import Iterator

import numpy as np

from stages.attacks._learning.candidates import assign_folds, in_means, standard_error
from stages.attacks._learning.looks import moved_copy, scaled
from stages.attacks.identity import Identifier, train_identifier
from stages.network.runtime import derived_seed, initializer, keras, start_tensorflow

SIDE = 32  # pixels, at which it looks
FILTERS = (32, 64, 128)
EPOCHS = 20
BATCH = 64
LEARNING_RATE = 0.002
CHUNK = 1024


class NetworkIdentifier(Identifier):
    """Names the person in an image by a network."""

    def __init__(self, images: np.ndarray, identities: np.ndarray, *, seed: int, accuracy: float | None = None) -> None:
        people, indices = np.unique(identities, return_inverse=True)
        super().__init__("network", accuracy, people, members={})
        self._means: np.ndarray | None = None  # of enrolled people
        start_tensorflow("float32")
        small = _small(images)
        self._level, self._spread = float(small.mean()), max(float(small.std()), 1.0)
        self._network = _network(len(self.people), -(-len(images) // BATCH), seed)
        # What the last layer sees: features that distinguish other people too.
        self._trunk = keras.Model(self._network.inputs[0], self._network.layers[-2].output)
        rng = np.random.default_rng(seed)
        for epoch in range(EPOCHS):
            order = rng.permutation(len(images))
            order = np.resize(order, -(-len(order) // BATCH) * BATCH)  # batches of one size, so one graph
            moved, right = self._inputs(moved_copy(small[order], seed, epoch)), indices[order]
            for start in range(0, len(order), BATCH):
                self._network.train_on_batch(moved[start : start + BATCH], right[start : start + BATCH])

    def enroll(self, images: np.ndarray, identities: np.ndarray) -> "NetworkIdentifier":
        """Learn to name other people than those in the training images; as `Identifier.enroll`."""
        enrolled = copy.copy(self)
        enrolled.people, indices = np.unique(identities, return_inverse=True)
        points = np.concatenate(list(self._points(images)))
        enrolled._means = np.stack([points[indices == person].mean(axis=0) for person in range(len(enrolled.people))])
        return enrolled

    def _distances(self, images: np.ndarray) -> Iterator[np.ndarray]:
        if self._means is not None:
            for points in self._points(images):
                yield in_means(((points[:, None] - self._means) ** 2).sum(axis=2))
        else:
            for scores in self._outputs(self._network, images):
                # The negative logarithms of the probabilities.
                highest = scores.max(axis=1, keepdims=True)
                yield in_means(np.log(np.exp(scores - highest).sum(axis=1, keepdims=True)) + highest - scores)

    def _points(self, images: np.ndarray) -> Iterator[np.ndarray]:
        for points in self._outputs(self._trunk, images):
            yield points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), np.finfo(float).tiny)

    def _outputs(self, network: keras.Model, images: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(images), CHUNK):
            inputs = self._inputs(_small(images[start : start + CHUNK]))
            yield np.asarray(network(inputs, training=False), float)

    def _inputs(self, small: np.ndarray) -> np.ndarray:
        return (small.astype(np.float32) - self._level) / self._spread


def train_strongest(images: np.ndarray, identities: np.ndarray, *, seed: int) -> Identifier:
    """Train discriminants and a convolutional network to name people; arguments as of `train_identifier`.

    The network has three layers of 3 x 3 convolutions with 32, 64 and 128 filters, each followed by batch normalization
    and pooling, and learns from moved copies at 32 pixels. It is kept if it names more people than the discriminants
    do, by more than two standard errors, in a quarter of the training images, held out; where it could not, even if it
    named all, it is not trained. It takes several times as long as they do.

    >>> faces = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    >>> identifier = train_strongest(faces.repeat(4, axis=0), np.array([7, 9]).repeat(4), seed=0)
    >>> identifier.name, identifier.predict(faces)
    ('committee', array([7, 9]))
    """
    identities = np.asarray(identities)
    identifier = train_identifier(images, identities, seed=seed)
    held = assign_folds(identities, seed) == 0
    count, best = int(held.sum()), identifier.validation_accuracy
    if best is None or not _beats(1.0, best, count):
        return identifier
    tried = NetworkIdentifier(images[~held], identities[~held], seed=seed)
    accuracy = float((tried.predict(images[held]) == identities[held]).mean())
    if not _beats(accuracy, best, count):
        return identifier
    return NetworkIdentifier(images, identities, seed=seed, accuracy=accuracy)


def _beats(accuracy: float, best: float, count: int) -> bool:
    return accuracy - 2 * standard_error(accuracy, count) > best


def _network(people: int, steps: int, seed: int) -> keras.Model:
    layers = keras.layers
    network = keras.Sequential([layers.Input((SIDE, SIDE, 3))])
    for filters in FILTERS:
        kernel = initializer(seed, f"{filters}")
        network.add(layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer=kernel))
        network.add(layers.BatchNormalization(momentum=0.8))  # Keras' own takes hundreds of steps to settle
        network.add(layers.ReLU())
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dropout(0.5, seed=derived_seed(seed, "dropout")))
    network.add(layers.Dense(people, kernel_initializer=initializer(seed, "people")))
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)  # to compile would take longer than it saves
    return network


def _small(images: np.ndarray) -> np.ndarray:
    return np.stack([scaled(image, SIDE) for image in images])
