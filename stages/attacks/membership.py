"""Membership inference: which images a network was trained on, told from how sure it is of their classes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from stages.attacks._learning.ranks import FALSE_POSITIVES, true_positive_rate

FEWEST_NON_MEMBERS = round(1 / FALSE_POSITIVES)  # with fewer, 1 % of them is less than one image
LOW_FALSE_POSITIVES = 0.001
_SMALLEST = 1e-30  # probability; float32 holds it
_SMALLEST_DEVIATION = 1e-6  # of confidences: of networks that all say the same
_DIGITS = 9  # of a score: what differs by less is equal
_DRAWS = 400  # of networks and images, for an interval


class Rate(NamedTuple):
    """The share of members that an attack finds, and the ends of its 95 % interval."""

    share: float
    low: float
    high: float


class Membership(NamedTuple):
    """How well the images that networks were trained on are told from others like them; a row a network."""

    placements: np.ndarray  # (networks, non-members): share of members that rank before each; the mean is the AUC
    tpr_at_fpr1: np.ndarray | None  # (networks,): found with at most 1 % of the non-members; None with fewer than 100
    auc: dict[str, float]  # of each attack, mean over networks


def confidence(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how sure a network is of the right classes, (images,): the log of the odds, near to normally distributed.

    It orders images as the negative cross-entropy does, without its ties where the network is almost certain (logit
    scaling, of Carlini et al.). `probabilities` are of shape (images, classes).

    >>> confidence(np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]), np.array([0, 1])).round(3).tolist()
    [0.0, 1.386]
    """
    remaining = probabilities.astype(np.float64)
    rows = np.arange(len(labels))
    right = remaining[rows, labels].copy()
    remaining[rows, labels] = 0
    return np.log(np.maximum(right, _SMALLEST)) - np.log(np.maximum(remaining.sum(axis=1), _SMALLEST))


def lira(target: np.ndarray, confidences: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Score images by the likelihood ratio of a network's confidence: had it been trained on the image, or not.

    Both likelihoods are normal, with the mean and the variance of other networks that were or were not. Likelier
    members have higher scores.

    Parameters
    ----------
    target : ndarray of float, shape (images,)
        How sure the attacked network is of each image, from `confidence`.
    confidences : ndarray of float, shape (networks, images)
        The same of networks that the attacker trained: some 64 or more, for a variance of each image.
    members : ndarray of bool, shape (networks, images)
        Which images each was trained on: half of them, drawn independently of the attacked network's.

    References
    ----------
    .. [1] N. Carlini et al., "Membership inference attacks from first principles", IEEE S&P, 2022 (algorithm 1).

    Examples
    --------
    >>> confidences = np.array([[2.0], [4.0], [-1.0], [1.0]])
    >>> lira(np.array([1.0]), confidences, np.array([[True], [True], [False], [False]])).tolist()
    [-1.5]
    """

    def log_likelihood(chosen: np.ndarray) -> np.ndarray:
        count = np.maximum(chosen.sum(axis=0), 1)
        mean = (confidences * chosen).sum(axis=0) / count
        variance = ((confidences - mean) ** 2 * chosen).sum(axis=0) / count
        return norm.logpdf(target, mean, np.maximum(np.sqrt(variance), _SMALLEST_DEVIATION))

    is_known = members.any(axis=0) & ~members.all(axis=0)  # what all or none saw, as a class's only image, is not
    return np.where(is_known, log_likelihood(members) - log_likelihood(~members), 0).round(_DIGITS)


def rmia(target: np.ndarray, confidences: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Score images by the share of the others whose relative likelihood is not above theirs; arguments as for `lira`.

    An image's relative likelihood is the probability of its class by the attacked network, over its mean by the
    attacker's networks. The other images stand for the population. Where few of them leave many shares equal, the
    relative likelihood itself decides. `members` is not looked at.

    References
    ----------
    .. [1] S. Zarifzadeh, P. Liu, R. Shokri, "Low-cost high-power membership inference attacks", ICML, 2024 (online;
       gamma is 1, as in the authors' Privacy Meter).

    Examples
    --------
    >>> rmia(np.array([9.0, 0.0, -1.0]), np.zeros((4, 3)), np.zeros((4, 3), bool)).astype(int).tolist()
    [2, 1, 0]
    """
    ratios = (expit(target) / expit(confidences).mean(axis=0)).round(_DIGITS)
    reached = np.searchsorted(np.sort(ratios), ratios, "right") - 1  # but for the image itself
    return reached + ratios / (1 + ratios)


ATTACKS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {"lira": lira, "rmia": rmia}


def attack_shadows(confidences: np.ndarray, members: np.ndarray) -> dict[str, Rate]:
    """Attack each network by what all others tell, and return the members found at 0.1 % false positives, by attack.

    `confidences` and `members` are those of `lira`, each network's images drawn independently of all others'. The
    scores of all networks share a threshold, as few images have no 0.1 %. Equal scores count as if chance ordered them,
    so that networks which remember nothing are at 0.1 %. Images that all were trained on, as a class's only one, do not
    count: there is nothing to compare them with. The interval is a bootstrap over networks and images, which is wider
    than it need be.

    The result is empty with fewer than 1,000 pairs of a network and an image that it was not trained on. With little
    more, guessing finds up to 0.2 %, as a threshold stands between two of them.
    """
    is_judged = ~members.all(axis=0)
    confidences, members = confidences[:, is_judged], members[:, is_judged]
    if (~members).sum() * LOW_FALSE_POSITIVES < 1:
        return {}
    networks = range(len(members))
    found = {}
    for name, attack in ATTACKS.items():
        scores = [attack(confidences[n], np.delete(confidences, n, 0), np.delete(members, n, 0)) for n in networks]
        found[name] = _low_rate(np.array(scores), members)
    return found


def _low_rate(scores: np.ndarray, members: np.ndarray) -> Rate:
    order = np.argsort(-scores, axis=None, kind="stable")
    ranked, is_member = scores.ravel()[order], members.ravel()[order]
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))  # of equal scores

    def rate(of_networks: np.ndarray, of_images: np.ndarray) -> float:
        counts = np.outer(of_networks, of_images).ravel()[order]
        true, false = (np.append(0, np.cumsum(counts * chosen)[ends]) for chosen in (is_member, ~is_member))
        return float(np.interp(LOW_FALSE_POSITIVES, false / false[-1], true / true[-1]))

    rng = np.random.default_rng(0)
    drawn = [rate(*(rng.multinomial(size, np.full(size, 1 / size)) for size in scores.shape)) for _ in range(_DRAWS)]
    return Rate(rate(*map(np.ones, scores.shape)), *map(float, np.quantile(drawn, (0.025, 0.975))))


def infer_membership(
    confidences: np.ndarray, members: np.ndarray, shadows: tuple[np.ndarray, np.ndarray] | None = None
) -> Membership:
    """Attack networks of the same kind, each trained on its own random choice of the same images.

    The attack ``loss`` ranks images by how sure the network is of them [1]_. The attack ``calibrated`` ranks them by
    how much surer it is than the other networks are on average, as every network is sure of an easy image [2]_. That is
    what few networks allow of `lira`, which needs many that were trained on an image and many that were not; with such
    `shadows`, their confidences and members, it and `rmia` attack too. Each network is judged by the attack that is
    best on the *others*, so that chance does not choose in its favour; with one network, that is ``loss``.

    `confidences` and `members` are of shape (networks, images). Each network has the same number of members, neither
    none nor all. If the choices depended on each other, ``calibrated`` would find out about them, and not about the
    networks.

    References
    ----------
    .. [1] S. Yeom et al., "Privacy risk in machine learning: analyzing the connection to overfitting", CSF, 2018.
    .. [2] L. Watson et al., "On the importance of difficulty calibration in membership inference attacks", ICLR, 2022.

    Examples
    --------
    >>> members = np.array([[True, True, False], [True, False, True]])
    >>> infer_membership(np.array([[1.0, 9.0, 8.0], [1.0, 8.0, 9.0]]), members).auc
    {'loss': 0.5, 'calibrated': 1.0}
    """
    attacks = {"loss": confidences}
    if len(confidences) > 1:
        # Less the mean of all gives the same order as less the mean of the others.
        attacks["calibrated"] = confidences - confidences.mean(axis=0)
    if shadows is not None:
        attacks |= {name: np.array([attack(own, *shadows) for own in confidences]) for name, attack in ATTACKS.items()}
    placements = {name: np.array(list(map(_placements, scores, members))) for name, scores in attacks.items()}
    areas = {name: placed.mean(axis=1) for name, placed in placements.items()}
    networks = range(len(confidences))
    best = [max(attacks, key=lambda name: np.delete(areas[name], network).sum()) for network in networks]
    found = np.array([true_positive_rate(members[n], attacks[name][n]) for n, name in zip(networks, best, strict=True)])
    return Membership(
        np.array([placements[name][n] for n, name in zip(networks, best, strict=True)]),
        found if placements["loss"].shape[1] >= FEWEST_NON_MEMBERS else None,
        {name: float(area.mean()) for name, area in areas.items()},
    )


def _placements(scores: np.ndarray, members: np.ndarray) -> np.ndarray:
    ranked, non_members = np.sort(scores[members]), scores[~members]
    behind = (np.searchsorted(ranked, non_members, "left") + np.searchsorted(ranked, non_members, "right")) / 2
    return 1 - behind / len(ranked)  # equal scores count half
