"""The identity attack names people whom it can know, and nobody in images that show nothing."""

import cv2
import numpy as np
import pytest

from stages.attacks._candidates import CANDIDATES, assign_folds, choose
from stages.attacks.identity import Identifier, train_identifier

PEOPLE, SIDE = 6, 48


def portraits(count: int, seed: int, people: int = PEOPLE) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` noisy, shifted portraits of each person: (people * count, 48, 48, 3) and who they are."""
    faces = [
        cv2.GaussianBlur(np.random.default_rng(person).random((SIDE, SIDE, 3)), (0, 0), 4) for person in range(people)
    ]
    rng = np.random.default_rng((99, seed))
    who = np.arange(people).repeat(count)
    images = []
    for person in who:
        face = (faces[person] - 0.5) * rng.uniform(700, 900) + 128 + rng.uniform(-20, 20)
        face = np.roll(face, rng.integers(-2, 3, 2), axis=(0, 1)) + rng.normal(0, 12, face.shape)
        images.append(np.clip(face, 0, 255).astype(np.uint8))
    return np.array(images), who


@pytest.fixture(scope="module")
def train() -> tuple[np.ndarray, np.ndarray]:
    return portraits(6, 0)


@pytest.fixture(scope="module")
def test() -> tuple[np.ndarray, np.ndarray]:
    return portraits(4, 1)


@pytest.fixture(scope="module")
def identifier(train) -> Identifier:
    return train_identifier(*train, seed=0)


def accuracy(identifier: Identifier, images: np.ndarray, who: np.ndarray) -> float:
    return float((identifier.predict(images) == who).mean())


def test_people_are_named_in_raw_images(identifier, test):
    assert accuracy(identifier, *test) >= 0.95
    assert identifier.validation_accuracy >= 0.9
    assert identifier.name in CANDIDATES


def test_blur_does_not_hide_people_from_an_informed_attacker(train, test):
    def blur(images: np.ndarray) -> np.ndarray:
        return np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in images])

    assert accuracy(train_identifier(blur(train[0]), train[1], seed=0), blur(test[0]), test[1]) >= 0.9


def test_an_attacker_who_saw_only_raw_images_bears_a_slight_blur(identifier, test):
    assert accuracy(identifier, np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in test[0]]), test[1]) >= 0.85


def test_a_method_that_changes_nothing_scores_as_raw_does(identifier, train, test):
    again = train_identifier(train[0].copy(), train[1], seed=0)
    assert again.predict(test[0]).tolist() == identifier.predict(test[0]).tolist()
    assert (again.name, again.validation_accuracy) == (identifier.name, identifier.validation_accuracy)


def test_masked_images_score_at_chance(train, test):
    masked = train_identifier(np.full_like(train[0], 128), train[1], seed=0)
    assert accuracy(masked, np.full_like(test[0], 128), test[1]) == 1 / PEOPLE
    assert masked.validation_accuracy <= 2 / PEOPLE


def test_noise_that_knows_nobody_scores_at_chance(train, test):
    noise = np.random.default_rng(0)
    images = noise.integers(0, 256, train[0].shape, dtype=np.uint8)
    guesses = train_identifier(images, train[1], seed=0).predict(noise.integers(0, 256, test[0].shape, dtype=np.uint8))
    assert (guesses == test[1]).mean() <= 4 / PEOPLE


def test_shuffled_names_cannot_be_learned(train, test):
    shuffled = train_identifier(train[0], np.random.default_rng(0).permutation(train[1]), seed=0)
    assert shuffled.validation_accuracy <= 4 / PEOPLE


def test_any_numbers_are_names(train, test, identifier):
    named = train_identifier(train[0], 1000 - 7 * train[1], seed=0)
    assert named.predict(test[0]).tolist() == (1000 - 7 * identifier.predict(test[0])).tolist()


def test_one_image_each_is_enough_to_learn_and_too_few_to_validate(test):
    identifier = train_identifier(*portraits(1, 5), seed=0)
    assert (identifier.name, identifier.validation_accuracy) == ("committee", None)
    assert accuracy(identifier, *test) >= 0.6


def test_many_people_with_two_images_each():
    images, who = portraits(2, 0, people=60)
    identifier = train_identifier(images[:, ::2, ::2], who, seed=0)
    assert accuracy(identifier, images[:, ::2, ::2], who) >= 0.95


def test_people_who_are_not_in_training_are_named_by_a_few_references(identifier):
    images, who = portraits(6, 2, people=PEOPLE + 5)
    strangers = who >= PEOPLE
    images, who = images[strangers], who[strangers]
    references = np.arange(len(who)) % 6 < 2
    enrolled = identifier.enroll(images[references], who[references])
    assert accuracy(enrolled, images[~references], who[~references]) >= 0.8
    assert set(identifier.predict(images)) <= set(range(PEOPLE))


def test_what_was_learned_gives_the_same_distances_from_plain_arrays(identifier, test, tmp_path):
    for one in (identifier, train_identifier(*portraits(1, 5), seed=0)):
        np.savez(tmp_path / "arrays.npz", **one.arrays)
        with np.load(tmp_path / "arrays.npz", allow_pickle=False) as arrays:
            same = Identifier.restored(dict(arrays))
        assert same.distances(test[0]).tobytes() == one.distances(test[0]).tobytes()
        assert (same.name, same.validation_accuracy) == (one.name, one.validation_accuracy)


def test_two_people():
    train, test = portraits(6, 0, people=2), portraits(6, 1, people=2)
    assert accuracy(train_identifier(*train, seed=0), *test) >= 0.9


def test_images_need_not_be_as_large_as_in_training(identifier, test):
    larger = np.stack([cv2.resize(image, (96, 96), interpolation=cv2.INTER_LINEAR) for image in test[0]])
    assert accuracy(identifier, larger, test[1]) >= 0.9


def test_no_images_give_no_names(identifier):
    assert identifier.predict(np.empty((0, SIDE, SIDE, 3), np.uint8)).shape == (0,)


def test_what_looks_at_the_images_does_not_change_them(train):
    images = train[0].copy()
    train_identifier(images, train[1], seed=0).predict(images)
    assert np.array_equal(images, train[0])


def test_of_candidates_that_do_about_as_well_the_most_robust_is_kept():
    rng = np.random.default_rng(0)
    who = np.arange(4).repeat(30)
    good = rng.normal(0, 0.1, (1, 120, 5)) + np.eye(4, 5)[who]
    useless = rng.normal(0, 0.1, (1, 120, 5))
    looks = ("pixels_24", "pixels_16", "gradients_64", "gradients_32")

    def chosen(*columns: np.ndarray) -> str:
        return choose({look: column.astype(np.float32) for look, column in zip(looks, columns, strict=True)}, who, 0)[0]

    assert chosen(good, good, good, good) == "committee"
    assert chosen(useless, useless, good, good) in ("committee", "gradients")


@pytest.mark.parametrize("folds", [2, 4])
def test_folds_leave_everyone_an_image(folds):
    identities = np.array([3] * 9 + [1] + [7] * 2 + [5] * 4)
    dealt = assign_folds(identities, folds=folds, seed=0)
    assert dealt[9] == -1
    for fold in range(folds):
        assert set(identities[dealt != fold]) == {1, 3, 5, 7}
    assert (np.bincount(dealt[:9]) >= 9 // folds).all()
    assert dealt.tolist() == assign_folds(identities, folds=folds, seed=0).tolist()
    assert dealt.tolist() != assign_folds(identities, folds=folds, seed=1).tolist()


def test_one_person_is_refused(train):
    with pytest.raises(ValueError, match="`identities` must be of at least two people. Received: 1"):
        train_identifier(train[0], np.zeros_like(train[1]), seed=0)


def test_as_many_names_as_images(train):
    with pytest.raises(ValueError, match=r"`identities` must be of shape \(36,\), one an image. Received: \(35,\)"):
        train_identifier(train[0], train[1][1:], seed=0)


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 8, 9, 3), np.uint8), np.zeros((4, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8)]
)
def test_images_are_square_rgb(wrong, identifier):
    with pytest.raises(ValueError, match="`images` must be uint8 of shape"):
        identifier.predict(wrong)
    with pytest.raises(ValueError, match="`images` must be uint8 of shape"):
        train_identifier(wrong, np.arange(len(wrong)), seed=0)


def fine_portraits(count, seed):
    """Draw people who differ within blocks of 2 x 2 pixels alone, at 128 pixels, and who they are."""
    blocks = np.array([[[1, -1], [-1, 1]], [[1, 1], [-1, -1]], [[1, -1], [1, -1]]])
    rng = np.random.default_rng((7, seed))
    images, who = [], np.arange(4).repeat(count)
    for person in who:
        kinds = np.random.default_rng(person).integers(3, size=(64, 64))
        fine = blocks[kinds].transpose(0, 2, 1, 3).reshape(128, 128)
        image = 128 + 50 * fine[..., None] + rng.normal(0, 10, (128, 128, 3))
        images.append(np.clip(np.rint(image), 0, 255).astype(np.uint8))
    return np.array(images), who


def test_detail_is_seen_at_the_size_of_the_images_and_not_below():
    (images, who), (asked, people) = fine_portraits(8, 0), fine_portraits(10, 1)
    assert accuracy(train_identifier(images, who, seed=0), asked, people) >= 0.9

    def shrink(images):
        return np.stack([cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA) for image in images])

    assert accuracy(train_identifier(shrink(images), who, seed=0), shrink(asked), people) <= 0.5
