"""The frontier: which variants are efficient, which protect, and what is recommended."""

import pandas as pd
import pytest

from stages.core.params import CompareParams
from stages.report.recommendation import efficient_variants, most_allowed, protecting_variants, recommend


def table(chance=0.1, people=10, **variants):
    """Return a comparison: of each variant the accuracy and the share of images, and of people, that is named."""
    rows = [("raw", 0.9, 0.95)] + [(name, *values) for name, values in variants.items()]
    result = pd.DataFrame(rows, columns=["dataset", "accuracy", "strongest_accuracy"])
    result["accuracy_drop"] = 0.9 - result["accuracy"]
    result["commonest_class"] = 0.5
    result["identity_accuracy"] = result["people_named"] = result["strongest_accuracy"]
    result["strongest_attack"] = "informed"
    result["identity_chance"], result["people_asked"] = chance, people
    result["strongest_chance"] = chance
    for name in ("accuracy", "accuracy_drop", "strongest"):
        middle = result["strongest_accuracy" if name == "strongest" else name]
        result[f"{name}_low"], result[f"{name}_high"] = middle - 0.02, middle + 0.02
    for name in ("strongest", "people"):
        result[f"{name}_advantage_high"] = (result["strongest_high"] - chance) / (1 - chance)
    result.insert(1, "efficient", efficient_variants(result))
    return result


def bounds(drop=0.05, identity=0.25, times=4.0):
    return CompareParams(
        max_accuracy_drop=drop,
        max_identity_accuracy=identity,
        max_times_chance=times,
        gallery_images=1,
        show_images="auto",
    )


def test_a_variant_is_efficient_if_no_other_beats_it_on_both():
    marked = table(good=(0.8, 0.3), worse_on_both=(0.7, 0.4), private=(0.3, 0.1), tie=(0.8, 0.3))
    assert marked[marked["efficient"]]["dataset"].tolist() == ["good", "private", "tie"]


def linked(**variants):
    """Return a comparison where nobody is known, and images are linked to their originals."""
    of_people = ["identity_accuracy", "identity_chance", "people_named", "people_asked", "people_advantage_high"]
    result = table(**variants).drop(columns=of_people)
    return result.assign(linkage_accuracy=1.0, linkage_chance=0.01, strongest_attack="region_linkage")


def changed(column, values):
    """Return a comparison with one good variant, of which a column is another."""
    return table(closed=(0.9, 0.1)).assign(**{column: values})


# An attacker who names the person of most raw images, whatever is shown.
ALWAYS_ONE_PERSON = table(closed=(0.9, 0.1)).assign(identity_accuracy=0.85, identity_chance=0.85)


@pytest.mark.parametrize(
    ("compared", "words"),
    [
        (
            table(open=(0.89, 0.9), closed=(0.88, 0.2), darker=(0.87, 0.1)),
            "closed. It costs 2.0 points of accuracy (0.0 to 4.0). * attacker who knows the method names the right "
            "person in 20.0% of the test images * the attack that names most people names 2 of 10.",
        ),
        (
            table(open=(0.89, 0.95), other=(0.8, 0.96)),
            "none. No variant was shown to protect: in each, * on as many test images as in raw ones, 95.0%, or more.",
        ),
        (table(a=(0.8, 0.96), b=(0.8, 0.94)).assign(strongest_high=1.0), "none. * b comes closest."),
        (
            table(open=(0.89, 0.9), half=(0.8, 0.5)),
            "none. No variant was shown to protect enough; half comes closest. * in 50.0% of the test images that "
            "it is asked about (95 % interval 48.0% to 52.0%; 10.0% by chance)",
        ),
        (table(dark=(0.2, 0.1)), "none. What protects costs too much * dark is the cheapest. It costs 70.0 points"),
        (table(chance=0.5, people=2, mask=(0.9, 0.5)), "mask."),
        (
            changed("images_left_open", [float("nan"), 3]),
            "none. No variant * 3 of its images have no region and are not",
        ),
        (changed("regions_missed", [float("nan"), 2]), "none. No variant * 2 of the given regions were missed."),
        # Many times chance, however small the share.
        (table(chance=0.001, people=1000, blur=(0.9, 0.229)), "none. No variant"),
        (changed("accuracy_drop_high", 0.109), "none. * too few test images show what it costs * (-2.0 to 10.9)"),
        (changed("commonest_class", 0.89), "none. * not clearly better than always answering the commonest class"),
        (changed("identity_accuracy", [0.79, 0.1]), "none. * in only 79.0% of the raw test images"),
        (ALWAYS_ONE_PERSON, "none. * in only 85.0% of the raw test images, and guessing in 85.0%"),
        (
            table(closed=(0.9, 0.9)).assign(identity_accuracy=[1.0, 0.2], strongest_attack=["informed", "restored"]),
            "none. No variant * an attacker who restores the images first",
        ),
        (
            linked(a=(0.89, 0.9)),
            "none. No variant * links the main region of 90.0% of the test images * on linkage alone",
        ),
        (linked(a=(0.89, 0.9), b=(0.88, 0.1)), "b. * links the main region of 10.0% of the test images"),
        (linked(a=(0.8, 0.3)).assign(linkage_accuracy=0.5), "none. Even raw images are linked * in only 50.0%"),
        (
            table(a=(0.8, 0.3)).drop(columns=["identity_accuracy", "strongest_accuracy"]),
            "none. It is not known who is in the images, and no image was linked",
        ),
        (table(), "none. There is no variant beside the raw images."),
    ],
    ids=range(19),
)
def test_the_most_accurate_variant_that_protects_is_recommended_or_it_is_said_why_none(compared, words):
    sentence, place = recommend(compared, bounds()), 0
    for part in f"Recommended: {words}".split(" * "):
        assert part in sentence[place:], sentence
        place = sentence.index(part, place)


@pytest.mark.parametrize("column", ["strongest_high", "strongest_advantage_high", "people_advantage_high"])
def test_the_upper_end_of_an_interval_decides_on_privacy(column):
    assert protecting_variants(table(closed=(0.9, 0.15)), bounds()).tolist() == [False, True]
    assert protecting_variants(changed(column, 0.41), bounds()).tolist() == [False, False]


def test_nobody_is_protected_from_an_attacker_who_fails_on_raw_images_or_was_not_there():
    assert not protecting_variants(changed("identity_accuracy", [0.79, 0.1]), bounds()).any()
    assert not protecting_variants(ALWAYS_ONE_PERSON, bounds()).any()
    nothing = ["identity_accuracy", "strongest_accuracy"]
    assert not protecting_variants(table(a=(0.8, 0.3)).drop(columns=nothing), bounds()).any()


@pytest.mark.parametrize(("chance", "most"), [(0.5, 0.625), (1 / 16, 0.25), (0.001, 0.004)])
def test_the_bounds_depend_on_chance(chance, most):
    assert most_allowed(table(chance=chance), bounds()) == pytest.approx(most)
