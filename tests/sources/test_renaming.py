from pathlib import Path

from stages.sources.finding import SourceFile
from stages.sources.intake import Intake, Taken
from stages.sources.renaming import neutral_paths, rename, unnamed_paths

SECRET = b"x" * 32


def taken(path: str, pixel_hash: str = "", **others) -> Taken:
    return Taken(SourceFile(path, Path("source") / path), path, pixel_hash, **others)


def numbered(count: int, name: str = "train/a/{:03}.png") -> list[Taken]:
    return [taken(name.format(number), f"hash {number}") for number in range(count)]


def neutral(images: list[Taken], secret: bytes = SECRET) -> list[str]:
    paths = neutral_paths(images, secret)
    return [paths[image.path] for image in images]


def test_paths_while_images_are_taken_in_hold_split_and_class_alone():
    files = [SourceFile(path, Path(path)) for path in ("train/a/Ann/1.jpg", "train/a\\b/Bob.png", "test/a/000001.png")]
    paths = unnamed_paths(files, ".png")
    assert list(paths.values()) == ["train/a/x0.png", "train/a_b/x1.png", "test/a/x2.png"]
    assert list(paths) == [file.path for file in files]


def test_each_image_gets_a_number_of_its_own_in_its_class():
    images = [*numbered(5), *numbered(5, "test/b/nested/{}.jpg")]
    paths = neutral_paths(images, SECRET)
    assert sorted(path.rsplit("/", 1)[1][:6] for path in paths.values()) == [f"{one:06}" for one in range(1, 11)]
    assert all(Path(new).parent == Path(old).parent for old, new in paths.items())
    assert all(Path(new).suffix == Path(old).suffix for old, new in paths.items())


def test_numbers_get_as_many_digits_as_they_need(monkeypatch):
    monkeypatch.setattr("stages.sources.renaming.DIGITS", 1)
    assert {len(Path(path).stem) for path in neutral_paths(numbered(120), SECRET).values()} == {3}


def test_order_does_not_follow_the_names():
    paths = neutral(numbered(100))
    rising = sum(first < second for first, second in zip(paths, paths[1:], strict=False))
    assert 35 < rising < 65


def test_order_depends_on_pixels_and_the_secret_and_not_on_names():
    by_hash = {image.pixel_hash: path for image, path in zip(numbered(50), neutral(numbered(50)), strict=True)}
    others = [taken(f"train/a/{99 - number}.png", f"hash {number}") for number in range(50)]
    assert {image.pixel_hash: path for image, path in zip(others, neutral(others), strict=True)} == by_hash
    assert neutral(numbered(50), b"y" * 32) != neutral(numbered(50))


def test_images_of_equal_pixels_get_different_numbers():
    images = [taken(f"train/a/{number}.png", "same") for number in range(3)]
    assert len(set(neutral(images))) == 3
    assert neutral(images) == neutral(images[::-1])[::-1]


def test_intake_gets_the_new_paths():
    image, other = taken("test/a/x0.png", "x"), taken("train/a/x1.png", "x")
    renamed = rename(Intake([image], [], [(other, "test/a/x0.png")], 0), {"test/a/x0.png": "test/a/000001.png"})
    assert renamed == Intake([image._replace(path="test/a/000001.png")], [], [(other, "test/a/000001.png")], 0)
