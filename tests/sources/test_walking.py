"""Folders that nobody has checked are walked once, and no link is followed out of the source."""

import pytest

from stages.sources.files import leads_out
from stages.sources.listing import walk_folder


@pytest.fixture
def make(tmp_path):
    def walked(*paths: str, links: dict[str, str] | None = None, top: str = "source") -> list[str]:
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
        for path, target in (links or {}).items():
            (tmp_path / path).symlink_to(target)
        return sorted(walk_folder(tmp_path / top, within=None))

    return walked


def test_links_are_followed_once(make):
    links = {"source/b": "../outside", "source/c": "a", "outside/back": "../source"}
    assert make("source/a/1.png", "outside/2.png", links=links) == ["a/1.png", "b/2.png", "b/back", "c"]


def test_what_is_beside_a_linked_folder_is_not_entered_from_it(make):
    links = {"source/link": "../outside/album", "outside/album/up": ".."}
    walked = make("source/1.png", "outside/2.png", "outside/album/3.png", links=links)
    assert walked == ["1.png", "link/3.png", "link/up"]


def test_folders_that_are_linked_many_times_are_walked_once(make):
    links = {f"source/{depth}/{name}": f"../{depth + 1}" for depth in range(29) for name in ("left", "right")}
    walked = make(*(f"source/{depth}/x.png" for depth in range(30)), links=links)
    assert sum(path.endswith("x.png") for path in walked) == 30


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "../../outside/up"])
def test_folder_above_is_not_entered(make, target):
    links = {"outside/up": "..", "source/a/link": target}
    assert make("outside/1.png", "source/a/2.png", links=links) == ["a/2.png", "a/link"]


# What `source/a/link` may lead to, beside `outside/1.png` and `source_2/1.png`, in a folder of a similar name.
OUT = ["../../outside/1.png", "../../outside", "../hop", "../hop_2", "../hop/1.png", "../../source/../outside/1.png"]
OUT += ["../../source_2", "../../source_2/1.png", "../..", "/", "../../nowhere"]
WITHIN = ["..", "../b/2.png", "../b", "../../source/b", "../nowhere", "../b/link"]
HOPS = {"hop": "../outside", "hop_2": "b/hop", "b/hop": "../hop", "b/link": "2.png"}


@pytest.mark.parametrize("top", ["source", "by_link"])
@pytest.mark.parametrize("target", OUT + WITHIN)
def test_link_that_leads_out_is_known_and_not_entered(make, tmp_path, target, top):
    links = {"source/a/link": target, "by_link": "source"} | {f"source/{path}": to for path, to in HOPS.items()}
    make("outside/1.png", "source_2/1.png", "source/a/1.png", "source/b/2.png", links=links)
    source = tmp_path / top
    out = target in OUT
    assert leads_out(source / "a/link", source) == out
    assert leads_out(source / "a/link/1.png", source) == out
    assert not leads_out(source, source)
    if out:
        walked = ["a/1.png", "a/link", "b/2.png", "b/hop", "b/link", "hop", "hop_2"]
        assert sorted(walk_folder(source, within=source)) == walked
