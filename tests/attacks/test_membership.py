"""Membership inference: answers that are known by heart, chance where nothing was remembered, and what hides memory."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from stages.attacks.membership import FEWEST_NON_MEMBERS, attack_shadows, confidence, infer_membership, lira, rmia


def remembering(memory: float, difficulty: float, *, networks: int = 3, images: int = 800, seed: int = 0):
    """Draw how sure networks are of images that differ in difficulty, and by so much surer of those that they saw."""
    rng = np.random.default_rng(seed)
    members = np.array([rng.permutation(images) >= images // 5 for _ in range(networks)])
    noise = rng.normal(size=(networks, images)) + difficulty * rng.normal(size=images)
    return noise + memory * members, members


def test_confidence_orders_as_the_loss_does_and_tells_certainties_apart():
    wrong = np.array([0.9, 0.5, 0.1, 1e-3, 1e-9, 1e-20, 0], np.float32)
    sure = confidence(np.stack([1 - wrong, wrong], axis=1), np.zeros(len(wrong), int))
    assert (np.diff(sure) > 0).all() and np.isfinite(sure).all()
    assert sure[1] == 0


def test_numbers_are_those_of_the_curve_of_each_network():
    confidences, members = remembering(1, 0.5)
    confidences = confidences.round(1)  # with ties
    found = infer_membership(confidences, members)
    areas = [roc_auc_score(*one) for one in zip(members, confidences, strict=True)]
    assert found.auc["loss"] == pytest.approx(np.mean(areas))
    alone = infer_membership(confidences[:1], members[:1])
    assert list(alone.auc) == ["loss"] and alone.placements.mean() == pytest.approx(areas[0])


def test_what_is_hidden_by_easy_and_hard_images_is_found_by_comparing_networks():
    found = infer_membership(*remembering(memory=3, difficulty=9))
    assert found.auc["loss"] < 0.65 and found.auc["calibrated"] > 0.9
    assert found.placements.mean() == pytest.approx(found.auc["calibrated"])
    plain = infer_membership(*remembering(memory=3, difficulty=0))
    assert plain.auc["loss"] > plain.auc["calibrated"]
    assert plain.placements.mean() == pytest.approx(plain.auc["loss"])


def test_choosing_the_best_attack_finds_nothing_where_nothing_was_remembered():
    found = [infer_membership(*remembering(0, 1, images=500, seed=seed)) for seed in range(200)]
    # The better of both, by the numbers that are then reported, would be at 0.508.
    assert np.mean([one.placements.mean() for one in found]) == pytest.approx(0.5, abs=0.003)
    assert np.mean([max(one.auc.values()) for one in found]) > 0.506
    assert np.mean([one.tpr_at_fpr1 for one in found]) == pytest.approx(0.02, abs=0.004)  # 2 of 101


def test_one_percent_of_too_few_images_is_not_measured():
    for images, measured in ((5 * FEWEST_NON_MEMBERS - 5, False), (5 * FEWEST_NON_MEMBERS, True)):
        assert (infer_membership(*remembering(1, 1, images=images)).tpr_at_fpr1 is not None) is measured


def test_attacks_on_shadows_are_those_of_the_papers_left_out_network_by_network():
    confidences, members = remembering(1, 1, networks=40, images=130)
    probabilities = expit(confidences)
    ratios, shares = np.zeros(members.shape), np.zeros(members.shape)
    for network, images in np.ndindex(members.shape):
        rest = np.delete(np.arange(40), network)
        seen, unseen = (confidences[rest, images][members[rest, images] == side] for side in (True, False))
        likelihoods = [norm.logpdf(confidences[network, images], side.mean(), side.std()) for side in (seen, unseen)]
        ratios[network, images] = likelihoods[0] - likelihoods[1]
        relative = probabilities[network] / probabilities[rest].mean(axis=0)
        shares[network, images] = (relative[images] / np.delete(relative, images) >= 1).sum()
    first = (confidences[0], confidences[1:], members[1:])
    assert lira(*first) == pytest.approx(ratios[0], abs=1e-8)
    assert np.floor(rmia(*first)).tolist() == shares[0].tolist()
    false, true, _ = roc_curve(members.ravel(), ratios.ravel(), drop_intermediate=False)
    assert attack_shadows(confidences, members)["lira"].share == true[false <= 0.001].max()


def test_shadows_find_what_was_remembered_of_easy_and_hard_images_and_nothing_else():
    for rate in attack_shadows(*remembering(memory=4, difficulty=9, networks=64, images=100)).values():
        assert 0.2 < rate.low < rate.share < rate.high
    nothing = [attack_shadows(*remembering(0, 1, networks=30, images=200, seed=seed)) for seed in range(10)]
    for attack in ("lira", "rmia"):
        assert 0 < np.mean([found[attack].share for found in nothing]) < 0.004  # of 1,200: 0.0017
        assert np.mean([found[attack].low <= 0.001 <= found[attack].high for found in nothing]) >= 0.8


def test_of_shadows_that_always_say_the_same_guessing_finds_as_many_and_too_few_are_not_attacked():
    members = np.random.default_rng(0).random((20, 120)) < 0.5
    for rate in attack_shadows(np.full(members.shape, 0.7), members).values():
        assert rate == pytest.approx((0.001, 0.001, 0.001))
    assert attack_shadows(members[:, :90] * 1.0, members[:, :90]) == {}


def test_images_that_are_in_every_training_set_are_not_found():
    confidences, members = remembering(0, 1, networks=30, images=200)
    found = attack_shadows(confidences, members)
    single = np.random.default_rng(0).normal(-4, 1, (30, 20))  # hard, so that their relative likelihoods differ most
    assert attack_shadows(np.hstack([confidences, single]), np.hstack([members, np.ones(single.shape, bool)])) == found
    assert lira(np.array([9.0]), np.arange(4.0)[:, None], np.ones((4, 1), bool)).tolist() == [0]
