"""A convolutional network names people, and is kept only where it names more than discriminants do."""

import numpy as np
import pytest

from stages.attacks._learning import network
from stages.attacks._learning.network import NetworkIdentifier, train_strongest
from tests.portraits import PEOPLE, blur, portraits


class Discriminants:
    name, validation_accuracy = "discriminants", 0.2


IMAGES, IDENTITIES = portraits(12, 0)
TRAIN = blur(IMAGES, 2), 100 - 7 * IDENTITIES


@pytest.fixture(autouse=True, scope="module")
def few_epochs_and_weak_discriminants():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "EPOCHS", 6)
        patch.setattr(network, "train_identifier", lambda images, identities, seed: Discriminants())
        yield


@pytest.fixture(scope="module")
def learned(few_epochs_and_weak_discriminants) -> NetworkIdentifier:
    return train_strongest(*TRAIN, seed=0)


def test_people_are_named_in_blurred_images(learned):
    assert learned.name == "network" and learned.validation_accuracy > 0.8
    images, identities = portraits(6, 1)
    assert (learned.predict(blur(images, 2)) == 100 - 7 * identities).mean() >= 0.9
    distances = learned.distances(images)
    assert distances.min() >= 0 and distances.shape == (len(images), PEOPLE)
    np.testing.assert_allclose(distances.mean(axis=1), 1)
    assert learned.predict(images[:0]).shape == (0,)


def test_the_same_images_train_the_same_network(learned):
    assert NetworkIdentifier(*TRAIN, seed=0).distances(IMAGES).tobytes() == learned.distances(IMAGES).tobytes()


@pytest.mark.parametrize("accuracy", [1.0, 0.95, None])
def test_where_discriminants_cannot_be_beaten_no_network_is_trained(monkeypatch, accuracy):
    monkeypatch.setattr(Discriminants, "validation_accuracy", accuracy)
    monkeypatch.setattr(network, "NetworkIdentifier", None)
    assert train_strongest(*TRAIN, seed=0).name == "discriminants"


def test_what_shows_nobody_is_named_by_chance(learned, monkeypatch):
    constant = np.full_like(IMAGES, 128)
    assert (learned.predict(constant) == TRAIN[1]).mean() == pytest.approx(1 / PEOPLE)
    monkeypatch.setattr(network, "EPOCHS", 3)
    rng, asked = np.random.default_rng(0), np.arange(PEOPLE).repeat(40)
    noise, tests = (rng.integers(0, 256, (count, 32, 32, 3), np.uint8) for count in (len(IDENTITIES), len(asked)))
    assert (NetworkIdentifier(noise, IDENTITIES, seed=0).predict(tests) == asked).mean() <= 1.5 / PEOPLE
