"""The metrics of verdicts, on numbers known by heart."""

import numpy as np
import pytest
from scipy.stats import binomtest

from stages.results.privacy import exposure, privacy_row
from stages.results.scores import Privacy
from tests.synthetic import privacy, verdicts


def test_privacy_row_without_people_or_key_points_leaves_them_out():
    measured = {
        "psnr": [10.0, 20.0],
        "psnr_restored": [12.0, 21.0],
        "ssim_restored": [0.5, 0.7],
        "keypoint_survival": [None, None],
        "unchanged_pixels": [0.0, 0.5],
    }
    learned = {"measured": measured, "restorer": "none", "effort": "quick", "left_open": {}, "findings": {}}
    expected = {"reconstruction_psnr_gain": 1.5, "reconstruction_ssim": 0.6, "unchanged_pixels": 0.25}
    assert privacy_row(Privacy(**learned)) == expected
    measured["keypoint_survival"] = [None, 0.5]
    assert privacy_row(Privacy(**learned)) == expected | {"keypoint_survival": 0.5}


def identity(**attacks):
    learned = privacy(0)
    learned["identity"]["attacks"] = attacks
    return Privacy(**learned)


def test_the_strongest_attack_is_the_one_that_names_most_whatever_it_is_called():
    found = exposure(identity(informed=verdicts(4), naive=verdicts(18), restored=verdicts(19)))
    assert (found["strongest_attack"], found["named"], found["attackers"]) == ("restored", 0.95, 6)
    assert found["strongest_high"] > 0.95 and found["identity_high"] < 0.6
    assert found["most_exposed"] == 1


def test_people_named_are_counted_among_those_whom_that_attack_saw():
    seen = {"people": [0, 1, 2, 3], "named": [0, 1, 2, 0]}
    learned = identity(informed=verdicts(4), restored=seen)
    assert (exposure(learned)["people_named"], exposure(learned)["people_asked"]) == (0.75, 4)


def test_few_images_of_many_people_do_not_hide_that_all_others_are_at_chance():
    people, rng = np.arange(2000), np.random.default_rng(0)

    def guess(images):
        return {"people": people[:images].tolist(), "named": rng.integers(2000, size=images).tolist()}

    learned = identity(informed=guess(2000), naive=guess(2000), restored=guess(100))
    learned.region_identity = None
    found = exposure(learned)
    assert found["times_chance_most"] < 8
    assert found["images_advantage_most"] < 0.1


def test_the_greatest_advantage_counts_whichever_attack_has_it():
    # 85 of 100 images show one person: always naming that one names most images, and knows nobody.
    people = np.repeat([0, 1], [85, 15])
    skilled = np.where(np.arange(100) % 5 == 0, 1 - people, people)
    informed, naive = ({"people": people.tolist(), "named": named.tolist()} for named in (0 * people, skilled))
    found = exposure(identity(informed=informed, naive=naive))
    assert found["strongest_attack"] == "informed" and found["images_advantage_most"] > 0.5


def test_an_attack_that_needs_the_secret_is_shown_and_never_counted():
    learned = identity(informed=verdicts(4), noise_known=verdicts(20))
    assert privacy_row(learned)["identity_accuracy_noise_known"] == 1
    assert exposure(learned)["people_named"] == 0
    assert exposure(learned)["strongest_attack"] == "informed"


def test_where_nobody_is_known_linkage_alone_counts_and_without_it_nothing():
    learned = exposure(Privacy(**privacy(None)))
    assert (learned["strongest_attack"], learned["linked"]) == ("linkage", 0.5)
    exact = binomtest(10, 20).proportion_ci(0.95, method="exact")
    assert (learned["linked_low"], learned["linked_high"]) == pytest.approx((exact.low, exact.high), abs=1e-4)
    assert learned["images_advantage"] == pytest.approx(0.45 / 0.95)
    assert learned["images_advantage_least"] < 0.45 / 0.95 < learned["images_advantage_most"]
    assert not any(key.startswith(("identity", "named", "people", "region")) for key in learned)
    assert exposure(Privacy(**privacy(None) | {"findings": {}})) == {}
