"""The identity attack names people whom it can know, and nobody in images that show nothing."""

import cv2
import numpy as np
import pytest

from stages.attacks._learning.candidates import CANDIDATES, FOLDS, assign_folds, choose
from stages.attacks.identity import Identifier, train_identifier
from tests.portraits import PEOPLE, blur, portraits


def fine_portraits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw people who differ within blocks of 2 x 2 pixels alone, in uneven light, at 128 pixels; and who they are."""
    blocks = np.array([[[1, -1], [-1, 1]], [[1, 1], [-1, -1]], [[1, -1], [1, -1]]])
    rng, identities = np.random.default_rng((7, seed)), np.arange(4).repeat(count)
    kinds = [np.random.default_rng(person).integers(3, size=(64, 64)) for person in identities]
    fine = [blocks[kind].transpose(0, 2, 1, 3).reshape(128, 128, 1) for kind in kinds]
    # Without it, what is left of the fine pattern where areas of pixels overlap would tell people apart.
    light = rng.normal(0, 30, (len(kinds), 32, 32, 1)).repeat(4, axis=1).repeat(4, axis=2)
    images = 128 + 40 * np.array(fine) + light + rng.normal(0, 10, (len(kinds), 128, 128, 3))
    return np.clip(np.rint(images), 0, 255).astype(np.uint8), identities


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


def test_shuffled_names_cannot_be_learned():
    images, identities = portraits(10, 0)
    shuffled = train_identifier(images[:, ::2, ::2], np.random.default_rng(0).permutation(identities), seed=0)
    # Copies of what is held out would give it away.
    assert shuffled.validation_accuracy <= 1.6 / PEOPLE


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


def test_detail_is_seen_at_the_size_of_the_images_and_not_below():
    (images, identities), (asked, people) = fine_portraits(5, 0), fine_portraits(6, 1)
    assert accuracy(train_identifier(images, identities, seed=0), asked, people) >= 0.9
    assert accuracy(train_identifier(resize(images, 64), identities, seed=0), resize(asked, 64), people) <= 0.5


def test_of_candidates_that_do_about_as_well_the_most_robust_is_kept():
    rng, identities = np.random.default_rng(0), np.arange(4).repeat(30)
    noise = rng.normal(0, 0.1, (1, 120, 5)).astype(np.float32)
    good = noise + np.eye(4, 5, dtype=np.float32)[identities]
    looks = {"pixels_24": good, "pixels_16": good, "gradients_64": good, "gradients_32": good}
    assert choose(looks, identities, 0)[0] == "committee"
    assert choose(looks | {"pixels_24": noise, "pixels_16": noise}, identities, 0)[0] in ("committee", "gradients")


def test_folds_leave_everyone_an_image():
    identities = np.array([3] * 9 + [1] + [7] * 2 + [5] * 4)
    folds = assign_folds(identities, seed=0)
    assert folds[9] == -1
    assert all(set(identities[folds != fold]) == {1, 3, 5, 7} for fold in range(FOLDS))
    assert (np.bincount(folds[:9]) >= 9 // FOLDS).all()
    assert folds.tolist() == assign_folds(identities, seed=0).tolist() != assign_folds(identities, seed=1).tolist()


@pytest.mark.parametrize(
    ("images", "identities", "words"),
    [
        (np.zeros((4, 8, 8, 3), np.uint8), [1] * 4, "`identities` .*two people. Received: 1"),
        (np.zeros((4, 8, 8, 3), np.uint8), [1, 2, 3], r"`identities` .*\(4,\).* Received: \(3,\)"),
        (np.zeros((4, 8, 9, 3), np.uint8), [1] * 4, "`images` must be uint8"),
        (np.zeros((4, 8, 8, 3)), [1] * 4, "`images` must be uint8 .* Received: float64"),
    ],
)
def test_wrong_images_and_names_are_refused(identifier, images, identities, words):
    with pytest.raises(ValueError, match=words):
        train_identifier(images, np.array(identities), seed=0)
    if "images" in words:
        with pytest.raises(ValueError, match=words):
            identifier.predict(images)
