"""The rule: which bound decides, in which direction, and what would decide what is open."""

import math

import pytest

from stages.core.params import load_params
from stages.results.decision import decide
from tests.clones import ROOT

BOUNDS = load_params(ROOT / "params.yaml").compare
RAW = {"accuracy_low": 0.9, "commonest_class": 0.1, "identity_accuracy": 0.95, "identity_chance": 0.1}
GOOD = {
    **dict(zip(("images_advantage", "images_advantage_least", "images_advantage_most"), (0.05, 0, 0.1), strict=True)),
    **dict(zip(("people_advantage", "people_advantage_least", "people_advantage_most"), (0.05, 0, 0.2), strict=True)),
    **dict(zip(("times_chance", "times_chance_least", "times_chance_most"), (1.2, 0.5, 2), strict=True)),
    **{"people_asked": 20, "images_asked": 100, "seeds": 3},
    **{
        f"accuracy_drop_{images}{part}": value
        for images in ("raw", "anonymized")
        for part, value in {
            **{"": 0.01, "_least": -0.02, "_most": 0.04},
            **{"_error_of_runs": 0.01, "_error_of_images": 0.004},
        }.items()
    },
}
FEWER = {
    "images_named": "images_advantage",
    "people_named": "people_advantage",
    "times_chance": "times_chance",
    "accuracy_lost_raw": "accuracy_drop_raw",
    "accuracy_lost_anonymized": "accuracy_drop_anonymized",
}


def judge(**changes):
    verdict = decide(GOOD | changes, RAW, BOUNDS)
    return verdict.status, {bound.key: bound for bound in verdict.bounds}


def test_what_surely_keeps_every_bound_is_recommended():
    status, bounds = judge()
    assert status == "recommended"
    assert {bound.state for bound in bounds.values()} == {"passed"}
    assert list(bounds) == [
        "images_named",
        "people_named",
        "times_chance",
        "accuracy_lost_raw",
        "accuracy_lost_anonymized",
    ]


@pytest.mark.parametrize("key", FEWER)
def test_one_bound_decides_and_the_ends_of_its_limits_say_how(key):
    name, limit = FEWER[key], 0.05 if key.startswith("accuracy") else 8 if key == "times_chance" else 0.25
    for least, most, status, state in (
        (limit - 0.01, limit, "recommended", "passed"),
        (limit - 0.01, limit + 0.01, "undecided", "undecided"),
        (limit + 0.01, limit + 0.02, "refused", "failed"),
    ):
        found, bounds = judge(**{f"{name}_least": least, f"{name}_most": most})
        assert (found, bounds[key].state) == (status, state)
        assert {bound.state for name, bound in bounds.items() if name != key} == {"passed"}
    assert bounds[key].excess == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("deployed_on", "statuses"),
    [("raw", ["refused", "recommended"]), ("anonymized", ["recommended", "refused"]), ("both", ["refused", "refused"])],
)
def test_the_bound_on_accuracy_looks_at_what_the_user_deploys_on(deployed_on, statuses):
    bounds = BOUNDS.model_copy(update={"deployed_on": deployed_on})
    costly = [{f"accuracy_drop_{images}_{end}": 0.2 for end in ("least", "most")} for images in ("raw", "anonymized")]
    assert [decide(GOOD | changes, RAW, bounds).status for changes in costly] == statuses


@pytest.mark.parametrize("key", ["images_left_open", "regions_missed"])
def test_one_open_image_or_region_is_refused(key):
    assert judge(**{key: 0})[0] == "recommended"
    assert judge(**{key: math.nan})[0] == "recommended"
    assert judge(**{key: 1})[0] == "refused"


def test_an_attack_that_fails_on_raw_images_can_refuse_and_never_clear():
    weak = RAW | {"identity_accuracy": 0.79}
    assert decide(GOOD, weak, BOUNDS).status == "undecided"
    assert not decide(GOOD, weak, BOUNDS).protects
    assert (
        decide(GOOD | {"images_advantage_least": 0.3, "images_advantage_most": 0.4}, weak, BOUNDS).status == "refused"
    )
    # Who always names one person, whatever is shown, knows nobody.
    assert decide(GOOD, RAW | {"identity_accuracy": 0.85, "identity_chance": 0.85}, BOUNDS).status == "undecided"


def test_what_was_not_attacked_or_not_learned_is_undecided():
    unlearned = decide(GOOD, RAW | {"accuracy_low": 0.1}, BOUNDS)
    assert unlearned.status == "undecided" and unlearned.protects
    nothing = {key: value for key, value in GOOD.items() if "drop" in key or key == "seeds"}
    assert decide(nothing, RAW, BOUNDS).status == "undecided"


def test_where_nobody_is_known_linkage_decides_and_times_of_chance_do_not():
    linked = {key: value for key, value in GOOD.items() if key != "people_asked"} | {"linkage_images": 100}
    raw = {"accuracy_low": 0.9, "commonest_class": 0.1, "linkage_accuracy": 1.0, "linkage_chance": 0.01}
    verdict = decide(linked, raw, BOUNDS)
    assert verdict.status == "recommended"
    assert [bound.key for bound in verdict.bounds] == ["images_linked", "accuracy_lost_raw", "accuracy_lost_anonymized"]
    assert decide(linked, raw | {"linkage_accuracy": 0.5}, BOUNDS).status == "undecided"


def test_it_says_how_many_seeds_would_decide():
    _, bounds = judge(accuracy_drop_raw_least=-0.06, accuracy_drop_raw_most=0.08, accuracy_drop_raw_error_of_runs=0.023)
    # 0.04 lie between the middle and the bound: 0.023 * sqrt(3 / 5) * t(4) = 0.038, and a little for images.
    assert bounds["accuracy_lost_raw"].needed == "about 5 seeds (now 3)"
    status, bounds = judge(seeds=1)
    assert status == "undecided" and "now 1" in bounds["accuracy_lost_raw"].needed
    _, bounds = judge(accuracy_drop_raw_most=0.08, accuracy_drop_raw_error_of_images=0.1)
    assert "test images" in bounds["accuracy_lost_raw"].needed


def test_it_says_how_many_images_would_decide():
    # Half of the way from the value to its limit would do: four times as many.
    _, bounds = judge(images_advantage=0.15, images_advantage_most=0.35)
    assert bounds["images_named"].needed == "about 400 images of as many people (now 100)"
    _, bounds = judge(images_advantage=0.25, images_advantage_most=0.35)
    assert bounds["images_named"].needed.startswith("far more images")
