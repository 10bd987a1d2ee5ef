"""Who is in which image, as numbers that say nothing of their names."""

import itertools

from stages.core.paths import IDENTITIES_FILE
from stages.core.people import People, read_people, write_people


def test_people_are_numbers_whatever_their_names(working_folder):
    tables = set()
    for called in itertools.permutations(["Ada", "Bob", "Cyd", "Dan"]):
        names = [called[number] for number in (3, 1, 3, 2, 0)]
        write_people(
            {f"train/a/{number}.png": name for number, name in enumerate(names)} | {"test/a,b/1.png": names[1]}
        )
        tables.add(IDENTITIES_FILE.read_bytes())
        # By who comes first in the order of the paths: test, then train.
        assert read_people() == People({f"a/{n}.png": i for n, i in enumerate([1, 0, 1, 2, 3])}, {"a,b/1.png": 0})
    assert len(tables) == 1
