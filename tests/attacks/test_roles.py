"""Which images the attacker learns from, and about which it is asked."""

import numpy as np
import pytest

from stages.attacks.roles import Roles, assign_roles

TWO = {"a/1": 1, "a/2": 2}


def roles_of(train, test, most_images=1000, seed=0):
    return assign_roles(train, test, most_images=most_images, seed=seed)


def crowd(people, images, first=0):
    return {f"a/{first + person}_{number}": first + person for person in range(people) for number in range(images)}


def test_people_in_train_and_test_are_asked_about_and_strangers_left_out():
    assert roles_of(TWO, {"b/1": 1, "b/9": 9}) == Roles(TWO, {}, {"b/1": 1}, 1, 1)


def test_people_split_between_train_and_test_are_asked_about_by_references():
    test = crowd(3, 4, first=7) | {"b/single": 6}
    roles = roles_of(TWO, test)
    assert sorted(roles.enrolled.values()) == sorted(roles.asked.values()) == [7, 7, 8, 8, 9, 9]
    assert roles.enrolled | roles.asked | {"b/single": 6} == test
    assert (roles.people_left_out, roles.images_left_out) == (1, 1)
    assert roles.enrolled != roles_of(TWO, test, seed=1).enrolled


@pytest.mark.parametrize(
    ("train", "test"),
    [({}, {}), ({"a/1": 1, "a/2": 1}, {"b/1": 1}), (TWO, {}), (TWO, {"b/3": 3, "b/4": 4}), (TWO, {"b/3": 3, "c/3": 3})],
)
def test_without_two_people_to_learn_from_and_someone_to_ask_about_there_are_no_roles(train, test):
    assert roles_of(train, test) is None


def test_nobody_is_asked_about_whom_the_attacker_did_not_learn():
    train, test = crowd(500, 4), crowd(500, 2)
    roles = roles_of(train, test, most_images=202)
    learned, counts = np.unique(list(roles.learned.values()), return_counts=True)
    assert len(learned) == 50 and set(counts) == {4}  # whole people
    assert set(roles.asked.values()) == set(learned.tolist())
    assert (roles.people_left_out, roles.images_left_out) == (450, 900)
    assert set(roles.learned.values()) != set(roles_of(train, test, most_images=202, seed=1).learned.values())


def test_of_too_many_people_those_are_learned_who_can_be_asked_about_and_two_at_least():
    roles = roles_of(crowd(500, 4), crowd(20, 1), most_images=80)
    assert set(roles.learned.values()) == set(range(20))
    assert roles.people_left_out == 0
    assert len(set(roles_of(crowd(3, 10), crowd(3, 1), most_images=1).learned.values())) == 2
    # With references everyone is asked about, whoever is learned.
    roles = roles_of(crowd(500, 4), crowd(30, 2, first=1000), most_images=40)
    assert len(roles.learned) == 40
    assert len(set(roles.asked.values())) == 30 and roles.people_left_out == 0
