"""A convolutional network names people, and is kept only where it names more than discriminants do."""

import numpy as np
import pytest

from stages.attacks._learning import network
from stages.attacks._learning.network import NetworkIdentifier, train_strongest
from tests.attacks.test_identity import PEOPLE, blur, portraits


class Others:
    name, validation_accuracy = "others", 0.2


IMAGES, WHO = portraits(12, 0)
LESSON = blur(IMAGES, 2), 100 - 7 * WHO


@pytest.fixture(scope="module")
def learned() -> NetworkIdentifier:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "train_identifier", lambda *lesson, seed: Others())
        return train_strongest(*LESSON, seed=0)


def test_people_are_named_in_blurred_images(learned):
    images, who = portraits(6, 1)
    assert (learned.predict(blur(images, 2)) == 100 - 7 * who).mean() >= 0.9
    distances = learned.distances(images)
    assert distances.min() >= 0 and distances.shape == (len(images), PEOPLE)
    np.testing.assert_allclose(distances.mean(axis=1), 1)
    assert learned.predict(images[:0]).shape == (0,)


def test_people_who_are_not_in_training_are_named_by_a_few_references(learned):
    images, who = (part[6 * PEOPLE :] for part in portraits(6, 2, people=PEOPLE + 5))
    references = np.arange(len(who)) % 6 < 2
    enrolled = learned.enroll(blur(images[references], 2), who[references])
    assert (enrolled.predict(blur(images[~references], 2)) == who[~references]).mean() >= 0.6
    assert set(learned.predict(images)) <= set(100 - 7 * np.arange(PEOPLE))


def test_it_is_kept_where_discriminants_do_worse_and_the_same_images_train_the_same_one(learned):
    assert learned.name == "network" and learned.validation_accuracy > 0.8
    again = NetworkIdentifier(*LESSON, seed=0)
    assert again.distances(IMAGES).tobytes() == learned.distances(IMAGES).tobytes()


@pytest.mark.parametrize("accuracy", [1.0, 0.95, None])
def test_where_discriminants_cannot_be_beaten_no_network_is_trained(monkeypatch, accuracy):
    monkeypatch.setattr(Others, "validation_accuracy", accuracy)
    monkeypatch.setattr(network, "train_identifier", lambda *lesson, seed: Others())
    monkeypatch.setattr(network, "NetworkIdentifier", None)
    assert train_strongest(*LESSON, seed=0).name == "others"


def test_what_shows_nobody_is_named_by_chance(learned, monkeypatch):
    constant = np.full_like(IMAGES, 128)
    assert (learned.predict(constant) == LESSON[1]).mean() == pytest.approx(1 / PEOPLE)
    monkeypatch.setattr(network, "EPOCHS", 5)
    rng, asked = np.random.default_rng(0), np.arange(PEOPLE).repeat(40)
    noise, tests = (rng.integers(0, 256, (count, 32, 32, 3), np.uint8) for count in (len(WHO), len(asked)))
    of_noise = NetworkIdentifier(noise, WHO, seed=0)
    assert (of_noise.predict(tests) == asked).mean() <= 1.5 / PEOPLE
