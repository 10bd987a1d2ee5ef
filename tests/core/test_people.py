"""Who is in which image, and which images teach the attacker."""

import itertools

from stages.core.people import PEOPLE_FILE, People, Roles, assign_roles, read_people, write_people


def test_people_are_kept_as_numbers_that_say_nothing_of_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {f"train/a/{number}.png": name for number, name in enumerate(["Dan", "Bob", "Dan", "Cyd", "Ada"])}
    write_people(names | {"test/a,b/1.png": "Bob"})
    assert read_people() == People({f"a/{n}.png": i for n, i in enumerate([1, 0, 1, 2, 3])}, {"a,b/1.png": 0})
    assert not any(name in PEOPLE_FILE.read_text() for name in names.values())


def test_from_a_list_of_names_nothing_can_be_computed_that_stands_in_the_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["Ada", "Bob", "Cyd", "Dan", "Eve"]
    tables = set()
    for called in itertools.permutations(names):
        write_people({f"train/a/{number}.png": called[number % 5] for number in range(9)})
        tables.add(PEOPLE_FILE.read_bytes())
    assert len(tables) == 1


def test_people_in_train_and_test_are_asked_and_strangers_left_out():
    people = People({"a/1": 1, "a/2": 2}, {"b/1": 1, "b/9": 9})
    assert assign_roles(people, 0) == Roles(people.train, {}, {"b/1": 1})


def test_people_split_between_train_and_test_are_asked_by_references():
    test = {f"b/{person}_{number}": person for person in (7, 8, 9) for number in range(4)} | {"b/single": 6}
    roles = assign_roles(People({"a/1": 1, "a/2": 2}, test), 0)
    assert sorted(roles.enrolled.values()) == sorted(roles.asked.values()) == [7, 7, 8, 8, 9, 9]
    assert roles.enrolled | roles.asked | {"b/single": 6} == test
    assert roles.enrolled != assign_roles(People({"a/1": 1, "a/2": 2}, test), 1).enrolled


def test_without_two_people_to_learn_from_and_someone_to_ask_for_there_are_no_roles():
    for people in (
        People({}, {}),
        People({"a/1": 1, "a/2": 1}, {"b/1": 1}),
        People({"a/1": 1, "a/2": 2}, {}),
        People({"a/1": 1, "a/2": 2}, {"b/3": 3, "b/4": 4}),
        People({"a/1": 1, "a/2": 2}, {"b/3": 3, "c/3": 3}),
    ):
        assert assign_roles(people, 0) is None
