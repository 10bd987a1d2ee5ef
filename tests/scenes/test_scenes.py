"""Scenes: determinism, independence of class and identity, and that both can be seen."""

from itertools import pairwise

import numpy as np
import pytest

from stages import scenes
from stages.scenes import CLASSES, IDENTITIES, draw_scene, person
from stages.scenes.background import Light
from stages.scenes.identities import BLACK, DARK, FAIR, PEOPLE, SILVER

# State of the generator, and variation: one scene with the person to the left, one with the person to the right.
SCENES = ((0, 0.0), (2, 1.0))


def scene(class_name="car", identity=0, state=0, size=128, variation=0.0):
    return draw_scene(class_name, identity, np.random.default_rng(state), size=size, variation=variation).image


def difference(first, second):
    return np.abs(first.astype(int) - second).max(axis=2)


@pytest.mark.parametrize("size", [32, 33, 224])
def test_the_same_scene_can_be_drawn_at_any_size(size):
    image, small = scene("house", 4, 9, size), scene("house", 4, 9, 64)
    assert image.shape == (size, size, 3)
    # The grain differs, the picture does not.
    assert np.abs(image.mean(axis=(0, 1)) - small.mean(axis=(0, 1))).max() < 4


@pytest.mark.parametrize("pair", list(pairwise([*CLASSES, CLASSES[0]])), ids="-".join)
def test_the_class_changes_the_object_and_nothing_else(pair):
    for state, variation in SCENES:
        changed = difference(*(scene(name, 5, state, variation=variation) for name in pair)) > 12
        assert 0.02 < changed.mean() < 0.6
        # The person stands in the other half, in front.
        columns = changed.mean(axis=0)
        assert min(columns[:32].mean(), columns[-32:].mean()) < 0.12


@pytest.mark.parametrize("class_name", CLASSES)
def test_the_identity_changes_the_person_and_leaves_the_object_in_sight(class_name):
    for state, variation in SCENES:
        changed = difference(*(scene(class_name, identity, state, variation=variation) for identity in (1, 14))) > 12
        assert 0.08 < changed.mean() < 0.4
        columns = changed.mean(axis=0)
        assert min(columns[:32].mean(), columns[-32:].mean()) == 0


def test_side_place_size_and_colour_of_the_object_vary_as_asked(monkeypatch):
    monkeypatch.setattr(scenes, "draw_background", lambda *_: Light(1, (1, 1, 1), (0, 0, 0)))
    monkeypatch.setattr(scenes, "draw_person", lambda *_, **__: (person.Extent(0, 0, 1, 1),) * 2)

    def measure(variation):
        found = []
        for state in range(24):
            image = scene("car", state=state, variation=variation)
            rows, columns = np.nonzero(image.max(axis=2) > 40)
            red, green, _ = image[rows, columns].mean(axis=0)
            found.append((columns.mean(), rows.mean(), np.ptp(columns), red - green))
        return np.array(found)

    still, varied = measure(0), measure(1)
    assert (varied.std(axis=0) > 1.8 * still.std(axis=0)).all()
    assert still[:, 0].min() > 64 and 0.25 < (varied[:, 0] > 64).mean() < 0.75


@pytest.mark.parametrize("identity", range(IDENTITIES))
def test_the_box_fits_the_head_as_it_is_drawn(monkeypatch, identity):
    def drawn(skin, hair, state, variation):
        monkeypatch.setattr(person, "PEOPLE", {identity: PEOPLE[identity]._replace(skin=skin, hair=hair)})
        return draw_scene("dog", identity, np.random.default_rng(state), size=128, variation=variation)

    monkeypatch.setattr(person, "_draw_torso", lambda *_: None)  # which shows skin too
    for state, variation in SCENES:
        scene, darker = drawn(FAIR, SILVER, state, variation), drawn(DARK, BLACK, state, variation)
        x, y, width, height = scene.head[:4]
        rows, columns = np.nonzero(difference(scene.image, darker.image)[: y + height] > 16)
        gaps = [columns.min() - x, rows.min() - y, x + width - 1 - columns.max(), y + height - 1 - rows.max()]
        assert min(gaps) >= 0 and max(gaps) <= 3
        # Long hair hangs below the box, the face does not; some of it may be a beard.
        rows, _ = np.nonzero(difference(scene.image, drawn(DARK, SILVER, state, variation).image) > 16)
        assert 0 <= y + height - 1 - rows.max() <= 7


@pytest.mark.parametrize("identity", range(IDENTITIES))
def test_the_box_fits_the_person_as_drawn(monkeypatch, identity):
    def drawn(skin, hair, cloth, state, variation):
        monkeypatch.setattr(person, "PEOPLE", {identity: PEOPLE[identity]._replace(skin=skin, hair=hair)})
        monkeypatch.setattr(person, "OUTFITS", dict.fromkeys(person.OUTFITS, (cloth, cloth)))
        return draw_scene("dog", identity, np.random.default_rng(state), size=128, variation=variation)

    for state, variation in SCENES:
        scene = drawn(FAIR, SILVER, (230, 230, 230), state, variation)
        darker = drawn(DARK, BLACK, (30, 30, 30), state, variation)
        x, y, width, height = scene.person[:4]
        rows, columns = np.nonzero(difference(scene.image, darker.image) > 16)
        assert 0 <= rows.min() - y <= 3
        # The body is widest below the picture's edge.
        assert y + height > 128
        sides = [columns.min() - max(x, 0), min(x + width, 128) - 1 - columns.max()]
        assert min(sides) >= 0 and max(sides) <= 8


@pytest.mark.parametrize(
    ("key", "value"), [("class_name", "cat"), ("identity", -1), ("identity", IDENTITIES), ("size", 31)]
)
def test_what_cannot_be_drawn_is_refused(key, value):
    with pytest.raises(ValueError, match=f"`{key}` must be .* Received: '?{value}"):
        scene(**{key: value})
