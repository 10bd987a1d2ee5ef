"""The identity attack names people whom it can know, and nobody in images that show nothing."""

import cv2
import numpy as np
import pytest

from stages.attacks._learning.candidates import CANDIDATES
from stages.attacks.identity import Identifier, train_identifier
from tests.portraits import PEOPLE, blur, portraits


@pytest.fixture(scope="module")
def train() -> tuple[np.ndarray, np.ndarray]:
    return portraits(6, 0)


@pytest.fixture(scope="module")
def test() -> tuple[np.ndarray, np.ndarray]:
    return portraits(4, 1)


@pytest.fixture(scope="module")
def identifier(train) -> Identifier:
    return train_identifier(*train, seed=0)


def accuracy(identifier: Identifier, images: np.ndarray, identities: np.ndarray) -> float:
    return float((identifier.predict(images) == identities).mean())


def resize(images: np.ndarray, side: int) -> np.ndarray:
    return np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in images])


def test_people_are_named_in_raw_images_of_any_size(identifier, test):
    assert accuracy(identifier, *test) >= 0.95
    assert accuracy(identifier, resize(test[0], 96), test[1]) >= 0.9
    assert identifier.predict(test[0][:0]).shape == (0,)
    assert identifier.validation_accuracy >= 0.9
    assert identifier.name in CANDIDATES


def test_blur_does_not_hide_people(identifier, train, test):
    informed = train_identifier(blur(train[0], 3), train[1], seed=0)
    assert accuracy(informed, blur(test[0], 3), test[1]) >= 0.9
    assert accuracy(identifier, blur(test[0], 2), test[1]) >= 0.85  # of one who saw raw images only


def test_the_same_images_train_the_same_identifier_whatever_numbers_are_the_names(identifier, train, test):
    images = train[0].copy()
    renamed = train_identifier(images, 1000 - 7 * train[1], seed=0)
    assert renamed.predict(test[0]).tolist() == (1000 - 7 * identifier.predict(test[0])).tolist()
    assert (renamed.name, renamed.validation_accuracy) == (identifier.name, identifier.validation_accuracy)
    assert np.array_equal(images, train[0])


def test_noise_is_named_by_chance():
    rng, identities, asked = np.random.default_rng(0), np.arange(PEOPLE).repeat(10), np.arange(PEOPLE).repeat(40)
    images, tests = (rng.integers(0, 256, (len(part), 32, 32, 3), np.uint8) for part in (identities, asked))
    identifier = train_identifier(images, identities, seed=0)
    assert accuracy(identifier, tests, asked) <= 1.5 / PEOPLE
    assert identifier.validation_accuracy <= 1.6 / PEOPLE


def test_one_image_each_is_enough_to_learn_and_too_few_to_validate(test):
    identifier = train_identifier(*portraits(1, 5), seed=0)
    assert (identifier.name, identifier.validation_accuracy) == ("committee", None)
    assert accuracy(identifier, *test) >= 0.6


def test_people_who_are_not_in_training_are_named_by_a_few_references(identifier):
    images, identities = (part[6 * PEOPLE :] for part in portraits(6, 2, people=PEOPLE + 5))
    references = np.arange(len(identities)) % 6 < 2
    enrolled = identifier.enroll(images[references], identities[references])
    assert accuracy(enrolled, images[~references], identities[~references]) >= 0.8
    assert set(identifier.predict(images)) <= set(range(PEOPLE))


def test_what_was_learned_gives_the_same_distances_from_plain_arrays(identifier, test, tmp_path):
    for learned in (identifier, train_identifier(*portraits(1, 5), seed=0)):
        np.savez(tmp_path / "arrays.npz", **learned.arrays)
        with np.load(tmp_path / "arrays.npz", allow_pickle=False) as arrays:
            restored = Identifier.restored(dict(arrays))
        assert restored.distances(test[0]).tobytes() == learned.distances(test[0]).tobytes()
        assert (restored.name, restored.validation_accuracy) == (learned.name, learned.validation_accuracy)


def test_shuffled_names_cannot_be_learned():
    images, identities = portraits(10, 0)
    shuffled = train_identifier(images[:, ::2, ::2], np.random.default_rng(0).permutation(identities), seed=0)
    # Copies of what is held out would give it away.
    assert shuffled.validation_accuracy <= 1.6 / PEOPLE
