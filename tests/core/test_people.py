"""Who is in which image, and which images teach the attacker."""

from stages.core.people import PEOPLE_FILE, People, Roles, assign_roles, read_people, write_people


def test_people_are_kept_as_numbers_that_say_nothing_of_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {f"train/a/{number}.png": name for number, name in enumerate(["Ada", "Bob", "Ada", "Cyd", "Dan"])}
    write_people(names | {"test/a,b/1.png": "Bob"}, 0)
    assert not any(name in PEOPLE_FILE.read_text() for name in names.values())
    people = read_people()
    numbers = [people.train[f"a/{number}.png"] for number in range(5)]
    assert sorted(set(numbers)) == [0, 1, 2, 3]
    assert numbers[0] == numbers[2]
    assert people.test == {"a,b/1.png": numbers[1]}
    write_people(names, 2)
    assert [read_people().train[f"a/{number}.png"] for number in range(5)] != numbers


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
