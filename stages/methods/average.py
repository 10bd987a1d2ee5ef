"""k-Same: people form groups of at least k, and everyone gets the mean of the group."""

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

from stages.methods.shared.method import Method


def average(
    image: np.ndarray,
    *,
    k: Annotated[int, Ge(2), Le(10_000)],
    grouping: Literal["closest", "furthest"],
    sizes: Literal["one", "few"],
    fitted: np.ndarray,
) -> np.ndarray:
    """Replace an image by the mean of its group.

    People, or images without a known person, are put into groups of at least `k`. Each image, or region, is replaced by
    the mean of its group: the same pixels for all of them, so that nobody can tell which of the k it was [1]_.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB image; only its shape matters.
    k : int
        The least number of people in a group, 2 to 10,000.
    grouping : {"closest", "furthest"}
        Group people who look alike, which keeps more of them, or people who do not.
    sizes : {"one", "few"}
        With `where: regions`, what replaces the regions of a group has one shape. Give all of them the size of the
        largest, or each the next of a few sizes, which differ by a factor of 1.4: it hides less of what is around
        people, but their size then tells something of who they are.
    fitted : ndarray of uint8, shape (side, side, 3)
        The mean of the group.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The mean at the size of the image.

    Notes
    -----
    An attacker who sees only what was replaced names the right person with a probability of at most 1 / k, if all
    people of a group have equally many images; otherwise the best guess is the person with the most. The surroundings
    and the place in the image stay. An image without a known person counts as one: k of them may show the same person.

    References
    ----------
    .. [1] E. Newton, L. Sweeney, B. Malin, "Preserving privacy by de-identifying face images", IEEE Transactions on
       Knowledge and Data Engineering 17(2), 2005.
    .. [2] J. Domingo-Ferrer, J. Mateo-Sanz, "Practical data-oriented microaggregation for statistical disclosure
       control", IEEE Transactions on Knowledge and Data Engineering 14(1), 2002, for the order of groups.

    Examples
    --------
    >>> import numpy as np
    >>> mean = np.full((2, 2, 3), 7, np.uint8)
    >>> average(np.zeros((1, 4, 3), np.uint8), k=2, grouping="closest", sizes="one", fitted=mean)[0, :, 0]
    array([7, 7, 7, 7], dtype=uint8)
    """
    height, width = image.shape[:2]
    shrinks = height * width < fitted.shape[0] * fitted.shape[1]
    return cv2.resize(fitted, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def fit(features: np.ndarray, *, k: int, grouping: str, **_: object) -> np.ndarray:
    """Put people into groups.

    Parameters
    ----------
    features : ndarray of float64, shape (people, values)
        What each person looks like.
    k : int
        The least number of people in a group; at most as many as there are people.
    grouping : {"closest", "furthest"}
        Each group begins with the person who is furthest from the mean of those left, and takes the `k` - 1 who are
        closest to, or furthest from, that person. The last group has `k` to 2 `k` - 1 people.

    Returns
    -------
    ndarray of int, shape (people,)
        The group of each person, from 0.

    Examples
    --------
    >>> fit(np.array([[0.0], [9.0], [1.0], [8.0], [2.0]]), k=2, grouping="closest")
    array([1, 0, 1, 0, 1])
    """
    groups, left, number = np.zeros(len(features), int), np.arange(len(features)), 0
    while len(left) >= 2 * k:
        rest = features[left]
        first = ((rest - rest.mean(axis=0)) ** 2).sum(axis=1).argmax()
        distance = ((rest - rest[first]) ** 2).sum(axis=1)
        distance = distance if grouping == "closest" else -distance
        distance[first] = -np.inf
        chosen = np.argsort(distance, kind="stable")[:k]
        groups[left[chosen]] = number
        left, number = np.delete(left, chosen), number + 1
    groups[left] = number
    return groups


METHOD = Method(average, fit=fit, examples=({"k": 2, "grouping": "closest", "sizes": "one"},))
