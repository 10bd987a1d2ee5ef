"""Written names differ on any file system, are valid everywhere, are searched for names of people, or are numbers."""

import os
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.sources.names import LONGEST_NAME, folded, names_person, neutral_paths, output_names, valid_name
from tests.sources.builders import taken

NAMES = {
    ("a/x.JPEG", "a/y.tar.tif", "a/z", "a/w."): ["a/x.png", "a/y.tar.png", "a/z.png", "a/w..png"],
    ("a/x.jpg", "a/x.tif", "b/x.tif"): ["a/x.jpg.png", "a/x.tif.png", "b/x.png"],
    ("a/X.jpg", "a/x.jpg"): ["a/X.jpg.png", "a/x.jpg.2.png"],
    ("a/X/1.jpg", "a/x/1.jpg"): ["a/X/1.jpg.png", "a/x/1.jpg.2.png"],
    ("a/x.jpg", "a/x.jpg.jpg", "a/x.tif"): ["a/x.jpg.2.png", "a/x.jpg.png", "a/x.tif.png"],
    ("a/\u00e9.jpg", "a/e\u0301.jpg"): ["a/\u00e9.jpg.png", "a/e\u0301.jpg.2.png"],
    ("a/x.jpg", "a/x.png/1.jpg"): ["a/x.jpg.png", "a/x.png/1.png"],
    ("a/x.jpg", "a/x.jpg.png/1.jpg", "a/x.tif"): ["a/x.jpg.2.png", "a/x.jpg.png/1.png", "a/x.tif.png"],
    (os.fsdecode(b"a/\xe9.jpg"), "a\\b/x.jpg"): ["a/_udce9.png", "a_b/x.png"],
    ("con/a?.jpg", "con/a*.jpg", "nul.", "a /1.jpg"): ["con_/a_.jpg.png", "con_/a_.jpg.2.png", "nul_..png", "a_/1.png"],
    ("a/1\n2\x1b[0m.jpg", "a/1_n2_x1b[0m.tif"): ["a/1_n2_x1b[0m.jpg.png", "a/1_n2_x1b[0m.tif.png"],
}
KEPT = {
    ("a/1.heic", "a/1.JPG", "a/2.PNG", "a/3", "a/4.gif"): ["a/1.heic.jpg", "a/1.JPG", "a/2.PNG", "a/3.jpg", "a/4.jpg"],
    ("a/1.JPG", "a/1.jpg"): ["a/1.JPG", "a/1.jpg.jpg"],
    ("a/1", "a/1.jpg/2.jpg"): ["a/1.2.jpg", "a/1.jpg/2.jpg"],
}


@pytest.mark.parametrize(
    ("paths", "expected", "image_format"),
    [*((*case, "png") for case in NAMES.items()), *((*case, "keep") for case in KEPT.items())],
    ids=range(len(NAMES) + len(KEPT)),
)
def test_names_differ_on_any_file_system(paths, expected, image_format):
    names = output_names(list(paths), image_format)
    assert [names[path] for path in paths] == expected


LONG = ["x" * 255, "x" * 251 + ".jpg", "x" * 250 + ".jpeg", "\u00e9" * 125 + ".jpg", "\u20ac" * 85]
LONG += [os.fsdecode(b"\xe9" * 251 + b".jpg")]
LONG += sorted({changed for name in LONG for changed in (f"{name[:-1]}z", f"{name[:-4]}.tif", f"{name[:-4]}/1.jpg")})


@example(LONG)
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300), min_size=1, unique=True))
def test_any_names_are_written_under_different_names(names):
    paths = [f"train/a/{name}" for name in names if name not in (".", "..")]
    written = list(output_names(paths, "png").values())
    assert len({folded(name) for name in written}) == len(paths)
    assert all(name.isprintable() and name.endswith(".png") for name in written)
    assert not any(set('<>:"|?*\\') & set(name) or name.endswith((" ", ".")) for name in written)
    assert not any(PureWindowsPath(part).is_reserved() for name in written for part in name.split("/"))
    assert all(len(part.encode()) <= LONGEST_NAME for name in written for part in name.split("/"))


def test_name_that_can_be_printed_stays():
    names = ["\u65e5\u672c", "caf\u00e9", "a b'$(x)`;{}&%", "\U0001f600"]
    assert list(map(valid_name, names)) == names


@pytest.mark.parametrize(
    ("path", "person", "named"),
    [
        ("a/Ann/1.png", "ann", True),
        ("a/x-ANN_2.png", "Ann", True),
        ("a/7ann.png", "Ann", True),
        ("a/hannah.png", "Ann", False),
        ("a/ann_b_lee.png", "Ann Lee", False),
        ("a/lee.ann-lee_3.png", "Ann  Lee", True),
        ("a/Jose\u0301.png", "JOS\u00c9", True),
        ("a/person123.png", "12", False),
        ("a/person_7_x.png", "7", True),
        ("a/person7.png", "7", False),
        ("a/xp12.png", "p12", False),
        ("a/\u674e\u660e/1.png", "\u674e\u660e", True),
    ],
)
def test_whole_names_are_found_in_a_path(path, person, named):
    assert names_person(path, person) == named


def neutral(hashes: list[str], names: Iterable[int] = range(1000), secret: bytes = b"x" * 32) -> list[str]:
    images = [taken(f"train/a/{name:03}.png", pixel_hash) for name, pixel_hash in zip(names, hashes, strict=False)]
    paths = neutral_paths(images[::-1], secret)
    return [paths[image.path] for image in images]


def test_numbers_differ_and_get_as_many_digits_as_they_need(monkeypatch):
    monkeypatch.setattr("stages.sources.names.DIGITS", 1)
    assert {len(Path(path).stem) for path in neutral([str(number) for number in range(120)])} == {3}
    assert len(set(neutral(["same"] * 3))) == 3


def test_order_depends_on_pixels_and_the_secret_and_not_on_names():
    hashes = [f"hash {number}" for number in range(100)]
    first = neutral(hashes)
    assert 35 < sum(name < following for name, following in zip(first, first[1:], strict=False)) < 65
    assert neutral(hashes, range(999, 899, -1)) == first
    assert neutral(hashes, secret=b"y" * 32) != first
