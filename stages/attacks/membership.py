"""Membership inference: which images a network was trained on, told from how sure it is of their classes."""

from typing import NamedTuple

import numpy as np

from stages.attacks._learning.ranks import FALSE_POSITIVES

FEWEST_NON_MEMBERS = round(1 / FALSE_POSITIVES)  # with fewer, 1 % of them is less than one image
_SMALLEST = 1e-30  # probability; float32 holds it


class Membership(NamedTuple):
    """How well the images that networks were trained on are told from others like them; a row a network."""

    placements: np.ndarray  # (networks, non-members): share of members that rank before each; the mean is the AUC
    tpr_at_fpr1: np.ndarray | None  # (networks,): share of members found with at most 1 % of the non-members
    auc: dict[str, float]  # of each attack, mean over networks


def confidence(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how sure a network is of the right classes: the log of the odds, near to normally distributed.

    Parameters
    ----------
    probabilities : ndarray of float, shape (images, classes)
        Of one network.
    labels : ndarray of int, shape (images,)
        The right classes.

    Returns
    -------
    ndarray of float64, shape (images,)
        In the order of the negative cross-entropy, without its ties where the network is almost certain.

    References
    ----------
    .. [1] N. Carlini et al., "Membership inference attacks from first principles", IEEE S&P, 2022 (logit scaling).

    Examples
    --------
    >>> import numpy as np
    >>> confidence(np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]), np.array([0, 1])).round(3).tolist()
    [0.0, 1.386]
    """
    others = probabilities.astype(np.float64)
    rows = np.arange(len(labels))
    right = others[rows, labels].copy()
    others[rows, labels] = 0
    return np.log(np.maximum(right, _SMALLEST)) - np.log(np.maximum(others.sum(axis=1), _SMALLEST))


def infer_membership(confidences: np.ndarray, members: np.ndarray) -> Membership:
    """Attack networks of the same kind, each trained on its own random choice of the same images.

    The attack ``loss`` ranks images by how sure the network is of them. The attack ``calibrated`` ranks them by how
    much surer it is than the other networks are on average, as every network is sure of an easy image. That is what
    few networks allow of the likelihood ratio, which needs many that were trained on an image and many that were not.
    Each network is judged by the attack that is best on the *others*, so that chance does not choose in its favour.

    Parameters
    ----------
    confidences : ndarray of float, shape (networks, images)
        From `confidence`.
    members : ndarray of bool, shape (networks, images)
        Which images each network was trained on: the same number for each, and neither none nor all. If the choices
        depended on each other, ``calibrated`` would find out about them, and not about the networks.

    Returns
    -------
    Membership
        `tpr_at_fpr1` is None with fewer than 100 non-members. With one network, the only attack is ``loss``.

    References
    ----------
    .. [1] S. Yeom et al., "Privacy risk in machine learning: analyzing the connection to overfitting", CSF, 2018
       (threshold on the loss).
    .. [2] L. Watson et al., "On the importance of difficulty calibration in membership inference attacks", ICLR, 2022.
    .. [3] N. Carlini et al., "Membership inference attacks from first principles", IEEE S&P, 2022 (likelihood ratio,
       true positives at a low rate of false ones).

    Examples
    --------
    >>> import numpy as np
    >>> members = np.array([[True, True, False], [True, False, True]])
    >>> found = infer_membership(np.array([[1.0, 9.0, 8.0], [1.0, 8.0, 9.0]]), members)
    >>> found.auc
    {'loss': 0.5, 'calibrated': 1.0}
    """
    attacks = {"loss": confidences}
    if len(confidences) > 1:
        # Less the mean of all gives the same order as less the mean of the others.
        attacks["calibrated"] = confidences - confidences.mean(axis=0)
    placements = {name: np.array(list(map(_placements, scores, members))) for name, scores in attacks.items()}
    areas = {name: placed.mean(axis=1) for name, placed in placements.items()}
    chosen = [
        max(attacks, key=lambda name: np.delete(areas[name], network).sum()) for network in range(len(confidences))
    ]
    found = [_found(attacks[name][network], members[network]) for network, name in enumerate(chosen)]
    return Membership(
        np.array([placements[name][network] for network, name in enumerate(chosen)]),
        np.array(found) if placements["loss"].shape[1] >= FEWEST_NON_MEMBERS else None,
        {name: float(area.mean()) for name, area in areas.items()},
    )


def _placements(scores: np.ndarray, members: np.ndarray) -> np.ndarray:
    ranked, others = np.sort(scores[members]), scores[~members]
    behind = (np.searchsorted(ranked, others, "left") + np.searchsorted(ranked, others, "right")) / 2
    return 1 - behind / len(ranked)  # equal scores count half


def _found(scores: np.ndarray, members: np.ndarray) -> float:
    others = np.sort(scores[~members])[::-1]
    return float((scores[members] > others[int(FALSE_POSITIVES * len(others))]).mean())
