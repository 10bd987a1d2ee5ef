"""What an identifier's distances tell beyond the name: a short list, and a yes or no about one person."""

import numpy as np
from sklearn.metrics import roc_auc_score

from stages.attacks._learning.ranks import ranks_of, true_positive_rate
from stages.attacks.identity import Identifier

MOST_PAIRS = 4_000_000  # of an image and a person; of more, images are drawn, so that memory stays bounded
LISTED = 5  # people on a short list


def measure_operating_points(identifier: Identifier, images: np.ndarray, identities: np.ndarray) -> dict[str, float]:
    """Measure `operating_points` of an identifier on at least one image of people whom it knows."""
    count = max(1, MOST_PAIRS // len(identifier.people))
    if count < len(images):
        drawn = np.sort(np.random.default_rng(0).choice(len(images), count, replace=False))
        images, identities = images[drawn], identities[drawn]
    return operating_points(identifier.distances(images), np.searchsorted(identifier.people, identities))


def operating_points(distances: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Compute how well distances (images, people) tell the right person, a column for each image, from the others.

    ``rank5`` is the share of images whose person is among the five nearest (with six people or more; those at the same
    distance in any order). Over all pairs of an image and a person, the nearest first: ``auc``, how often a right pair
    comes before a wrong one, and ``tpr_at_fpr1``, the share of right pairs that is found with at most 1 % of the wrong.

    See P. Phillips, P. Grother, R. Micheals, "Evaluation methods in face recognition", in Handbook of Face Recognition,
    2005: identification at a rank, and verification at a rate of false accepts.

    >>> operating_points(np.array([[0.1, 0.9], [0.3, 0.2]]), np.array([0, 0]))
    {'auc': 0.75, 'tpr_at_fpr1': 0.5}
    """
    images, people = distances.shape
    is_right = np.zeros(distances.shape, bool)
    is_right[np.arange(images), right] = True
    points = {}
    if people > LISTED:
        points["rank5"] = float(ranks_of(distances, right).within(LISTED).mean())
    points["auc"] = float(roc_auc_score(is_right.ravel(), -distances.ravel()))
    points["tpr_at_fpr1"] = true_positive_rate(is_right, -distances)
    return points
