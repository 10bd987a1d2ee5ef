"""Decides from which images an attacker learns, which are its references, and which it is asked about."""

from collections import Counter
from typing import NamedTuple

from stages.core.seeding import order_key


class Roles(NamedTuple):
    """What images are for when people are to be named, by path relative to the split."""

    learned: dict[str, int]  # training images, from which it learns to tell people apart
    enrolled: dict[str, int]  # test images of people who are not in train: the photos that an attacker has of them
    asked: dict[str, int]  # test images, whose people are to be named
    people_left_out: int  # known people in test who are neither learned nor enrolled, nor asked about
    images_left_out: int  # their test images


def assign_roles(train: dict[str, int], test: dict[str, int], *, most_images: int, seed: int) -> Roles | None:
    """Decide from which images an attacker learns, and which it is asked about.

    Where at least half of the people in test are in train too, it is asked about the images of those people. Where
    people are split, it has half of everyone's test images as references, and is asked about the others. If there are
    more training images than `most_images`, whole people are left out (but two are kept), and it is never asked about
    people whom it did not learn. `train` and `test` give the person of each path. The result is None if there are no
    two people to learn from, or nobody to ask about.
    """
    asked_for = set(test.values())
    are_split = 2 * len(asked_for & set(train.values())) < len(asked_for)
    learned = _thin_people(train, most_images, seed, first=set() if are_split else asked_for)
    enrolled: dict[str, int] = {}
    if are_split:
        enrolled, asked = _split_references(test, seed)
    else:
        seen = set(learned.values())
        asked = {path: person for path, person in test.items() if person in seen}
    known = set((enrolled or learned).values())
    if min(len(set(learned.values())), len(known)) < 2 or not asked:
        return None
    images = Counter(test.values())
    left_out = asked_for - set(asked.values())
    return Roles(learned, enrolled, asked, len(left_out), sum(images[person] for person in left_out))


def _thin_people(people: dict[str, int], most_images: int, seed: int, *, first: set[int]) -> dict[str, int]:
    images = Counter(people.values())
    kept: set[int] = set()
    total = 0
    for person in sorted(images, key=lambda person: (person not in first, order_key(seed, f"person {person}"))):
        total += images[person]
        if total > most_images and len(kept) > 1:
            break
        kept.add(person)
    return {path: person for path, person in people.items() if person in kept}


def _split_references(test: dict[str, int], seed: int) -> tuple[dict[str, int], dict[str, int]]:
    parts: tuple[dict[str, int], dict[str, int]] = {}, {}
    images, dealt = Counter(test.values()), Counter[int]()
    for path in sorted(test, key=lambda path: order_key(seed, path)):
        person = test[path]
        if images[person] > 1:
            parts[dealt[person] % 2][path] = person
            dealt[person] += 1
    return parts
