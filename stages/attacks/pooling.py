"""Adds evidence up: over the images of a burst, and over all images of a person."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import radius_neighbors_graph

SIDE = 16  # pixels of a thumbnail
NEAR = 5.0  # grey levels, the root mean square between thumbnails of near-duplicates


class Distances(NamedTuple):
    """How far images are from the people whom an attacker knows; distances of several images may be added up."""

    people: np.ndarray  # (people,) int: whom it knows
    values: np.ndarray  # (images, people): smaller is nearer

    def pooled(self, groups: np.ndarray) -> np.ndarray:
        """Name the person in each image, (images,), from all images of its group, (images,) int, together.

        >>> Distances(np.array([7, 9]), np.array([[0, 1], [3, 0], [1, 0]])).pooled(np.array([5, 5, 6]))
        array([9, 9, 9])
        """
        _, group = np.unique(groups, return_inverse=True)
        sums = np.zeros((group.max(initial=-1) + 1, len(self.people)))
        np.add.at(sums, group, self.values)
        return self.people[sums.argmin(axis=1)[group]] if len(group) else np.empty(0, int)


def vote(names: np.ndarray) -> Distances:
    """Return the distances of an attacker that only names people: 0 to whom it names, 1 to the others."""
    people = np.unique(names)
    return Distances(people, (names[:, None] != people).astype(float))


def groups_of(paths: Iterable[str], bursts: dict[str, int]) -> np.ndarray:
    """Return the group of each image; an image without a group gets its own."""
    return np.array([bursts.get(path, -1 - number) for number, path in enumerate(paths)], int)


def near_duplicates(images: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Number groups of raw square images of one person that show nearly the same, such as the frames of a burst.

    Thumbnails are compared. An attacker knows which images were taken together, and that they show the same person.

    >>> images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    >>> near_duplicates(np.concatenate([images, images ^ 1]), np.array([5, 6, 5, 7])).tolist()
    [0, 1, 0, 2]
    """
    small = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel() for image in images]
    groups = np.zeros(len(images), int)
    for person in np.unique(people):
        own = people == person
        near = radius_neighbors_graph(np.array(small, np.float32)[own], NEAR * SIDE * np.sqrt(3), include_self=True)
        groups[own] = groups.max() + 1 + connected_components(near, directed=False)[1]
    return np.unique(groups, return_inverse=True)[1]
