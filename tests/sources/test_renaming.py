"""Numbers in place of names, in an order that nobody can repeat without the secret."""

from pathlib import Path

from stages.sources.names import neutral_paths, unnamed_paths
from stages.sources.outcomes import Outcome, Outcomes
from tests.sources.builders import file, taken

SECRET = b"x" * 32


def images_of(count: int, name: str = "train/a/{:03}.png") -> list[Outcome]:
    return [taken(name.format(number), f"hash {number}") for number in range(count)]


def neutral(images: list[Outcome], secret: bytes = SECRET) -> list[str]:
    paths = neutral_paths(images, secret)
    return [paths[image.path] for image in images]


def test_paths_while_images_are_taken_in_hold_split_and_class_alone():
    files = [file(path) for path in ("train/a/Ann/1.jpg", "train/a\\b/Bob.png", "test/a/000001.png")]
    expected = ["train/a/x0.png", "train/a_b/x1.png", "test/a/x2.png"]
    assert unnamed_paths(files, "png") == {one.path: path for one, path in zip(files, expected, strict=True)}


def test_each_image_gets_a_number_of_its_own_in_its_class():
    paths = neutral_paths([*images_of(5), *images_of(5, "test/b/nested/{}.jpg")], SECRET)
    assert sorted(Path(path).stem for path in paths.values()) == [f"{number:06}" for number in range(1, 11)]
    assert all(Path(new).parent == Path(old).parent for old, new in paths.items())
    assert all(Path(new).suffix == Path(old).suffix for old, new in paths.items())


def test_numbers_get_as_many_digits_as_they_need(monkeypatch):
    monkeypatch.setattr("stages.sources.names.DIGITS", 1)
    assert {len(Path(path).stem) for path in neutral(images_of(120))} == {3}


def test_order_depends_on_pixels_and_the_secret_and_not_on_names():
    first = neutral(images_of(100))
    assert 35 < sum(one < next_one for one, next_one in zip(first, first[1:], strict=False)) < 65
    others = [taken(f"train/a/{999 - number}.png", f"hash {number}") for number in range(100)]
    assert neutral(others) == first
    assert neutral(images_of(100), b"y" * 32) != first


def test_images_of_equal_pixels_get_different_numbers():
    images = [taken(f"train/a/{number}.png", "same") for number in range(3)]
    assert len(set(neutral(images))) == 3
    assert neutral(images) == neutral(images[::-1])[::-1]


def test_intake_gets_the_new_paths():
    image, other = taken("test/a/x0.png", "x"), taken("train/a/x1.png", "x")
    renamed = Outcomes([image], [], [(other, "test/a/x0.png")], 0).renamed({"test/a/x0.png": "test/a/000001.png"})
    assert renamed == Outcomes([image._replace(path="test/a/000001.png")], [], [(other, "test/a/000001.png")], 0)
