"""Who is in which image, as numbers."""

import itertools

from stages.core.people import PEOPLE_FILE, People, read_people, write_people


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
