"""Images that look almost the same are grouped, others are not."""

import cv2
import numpy as np
import pytest

from stages.core.duplicates import look_of, near_duplicates


def scene(seed: int, size: tuple[int, int] = (90, 120)) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def noisy(image: np.ndarray) -> np.ndarray:
    drawn = np.random.default_rng(0).normal(0, 2, image.shape)
    return np.clip(image + drawn, 0, 255).astype(np.uint8)


def shifted(image: np.ndarray) -> np.ndarray:
    move = np.float32([[1, 0, 0.4], [0, 1, -0.4]])
    return cv2.warpAffine(image, move, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


CHANGES = {
    "nothing": lambda image: image,
    "one pixel": lambda image: np.concatenate([image[:1] // 2, image[1:]]),
    "noise": noisy,
    "shift": shifted,
    "JPEG": lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 1),
    "size": lambda image: cv2.resize(image, (64, 48), interpolation=cv2.INTER_AREA),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_slightly_changed_copy_is_in_the_group_of_its_image(change):
    scenes = [scene(seed) for seed in range(20)]
    groups = near_duplicates([look_of(image) for image in [*scenes, *map(change, scenes)]])
    assert groups.tolist() == [*range(20), *range(20)]


def test_different_images_have_groups_of_their_own_however_flat_they_are():
    flat = [np.full((30, 40, 3), level, np.uint8) for level in (0, 60, 120, 255)]
    flat += [np.random.default_rng(seed).integers(90, 110, (30, 40, 3), np.uint8) for seed in range(50)]
    looks = [look_of(image) for image in [*flat, *(scene(seed) for seed in range(300)), scene(0)[:, ::-1]]]
    assert len(set(near_duplicates(looks).tolist())) == len(looks)
    assert near_duplicates([]).tolist() == []


def test_groups_are_joined_by_their_members_and_each_pair_within_the_bounds_is_found():
    rng = np.random.default_rng(0)
    first = rng.integers(40, 200, (8, 9), np.uint8)
    looks = [first]
    for _ in range(12):
        looks.append(np.clip(looks[-1] + rng.integers(-1, 2, (8, 9)), 0, 255).astype(np.uint8))
    order = rng.permutation(13)
    assert near_duplicates([looks[place].tobytes() for place in order]).tolist() == [0] * 13
