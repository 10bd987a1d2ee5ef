"""The frontier: which variants are efficient, which protect, and what is recommended."""

import pandas as pd
import pytest

from stages.core.params import CompareParams
from stages.report.recommendation import efficient_variants, most_images_named, protecting_variants, recommend


def table(chance=0.1, people=10, **variants):
    """Return a comparison: of each variant the accuracy and the share of images, and of people, that is named."""
    rows = [("raw", 0.9, 0.95)] + [(name, *values) for name, values in variants.items()]
    result = pd.DataFrame(rows, columns=["dataset", "accuracy", "strongest_accuracy"])
    result["accuracy_drop"] = 0.9 - result["accuracy"]
    result["commonest_class"] = 0.5
    result["identity_accuracy"] = result["people_named"] = result["strongest_accuracy"]
    result["strongest_attack"] = "informed"
    result["identity_chance"], result["people_asked"] = chance, people
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


def test_the_most_accurate_variant_that_protects_is_recommended():
    sentence = recommend(table(open=(0.89, 0.9), closed=(0.88, 0.2), darker=(0.87, 0.1)), bounds())
    assert sentence.startswith("Recommended: closed. It costs 2.0 points of accuracy (0.0 to 4.0).")
    assert "an attacker who knows the method names the right person in 20.0% of the test images" in sentence
    assert "the attack that names most people names 2 of 10." in sentence


def test_nothing_is_recommended_if_nothing_protects():
    sentence = recommend(table(open=(0.89, 0.9), half=(0.8, 0.5)), bounds())
    assert sentence.startswith("Recommended: none. No variant was shown to protect enough; half comes closest.")
    assert (
        "in 50.0% of the test images that it is asked about (95 % interval 48.0% to 52.0%; 10.0% by chance)" in sentence
    )


def test_nothing_is_recommended_if_protection_costs_too_much():
    sentence = recommend(table(dark=(0.2, 0.1)), bounds())
    assert sentence.startswith("Recommended: none. What protects costs too much accuracy")
    assert "dark is the cheapest. It costs 70.0 points of accuracy (68.0 to 72.0)." in sentence


def test_two_people_and_a_variant_at_chance_is_protection():
    assert recommend(table(chance=0.5, people=2, mask=(0.9, 0.5)), bounds()).startswith("Recommended: mask.")


def test_many_times_chance_is_no_protection_however_small_the_share():
    assert "No variant was shown to protect" in recommend(table(chance=0.001, people=1000, blur=(0.9, 0.229)), bounds())


def test_an_attack_other_than_the_informed_one_counts_if_it_is_stronger():
    compared = table(closed=(0.9, 0.9))
    compared["identity_accuracy"] = [1.0, 0.2]
    compared["strongest_attack"] = ["informed", "restored"]
    sentence = recommend(compared, bounds())
    assert "No variant was shown to protect" in sentence and "an attacker who restores the images first" in sentence


@pytest.mark.parametrize("column", ["strongest_high", "strongest_advantage_high", "people_advantage_high"])
def test_the_upper_end_of_an_interval_decides_on_privacy(column):
    compared = table(closed=(0.9, 0.15))
    assert protecting_variants(compared, bounds()).tolist() == [False, True]
    compared.loc[1, column] = 0.41
    assert protecting_variants(compared, bounds()).tolist() == [False, False]


def test_the_upper_end_of_an_interval_decides_on_the_drop():
    compared = table(mask=(0.9, 0.1))
    compared.loc[1, "accuracy_drop_high"] = 0.109
    sentence = recommend(compared, bounds())
    assert "too few test images show what it costs" in sentence and "0.0 points of accuracy (-2.0 to 10.9)" in sentence


def test_networks_no_better_than_the_commonest_class_let_nothing_be_recommended():
    compared = table(mask=(0.9, 0.1))
    compared.loc[0, "commonest_class"] = 0.89
    assert "not clearly better than always answering the commonest class" in recommend(compared, bounds())


def test_without_identities_nothing_is_claimed():
    unknown = table(a=(0.8, 0.3)).drop(columns="identity_accuracy")
    assert "privacy was not measured" in recommend(unknown, bounds())
    assert not protecting_variants(unknown, bounds()).any()


def test_an_attacker_that_fails_on_raw_images_lets_nothing_be_recommended():
    weak = table(closed=(0.9, 0.1))
    weak.loc[0, "identity_accuracy"] = 0.79
    assert "names the right person in only 79.0% of the raw test images" in recommend(weak, bounds())
    assert not protecting_variants(weak, bounds()).any()


def test_an_attacker_who_always_names_the_person_of_most_raw_images_does_not_convince():
    constant = table(closed=(0.9, 0.1))
    constant["identity_accuracy"] = constant["identity_chance"] = 0.85
    assert "85.0% of the raw test images, and guessing in 85.0%" in recommend(constant, bounds())
    assert not protecting_variants(constant, bounds()).any()


def test_raw_alone_has_no_variant_to_recommend():
    assert recommend(table(), bounds()) == "Recommended: none. There is no variant beside the raw images."


@pytest.mark.parametrize(("chance", "most"), [(0.5, 0.625), (1 / 16, 0.25), (0.001, 0.004)])
def test_the_bounds_depend_on_chance(chance, most):
    assert most_images_named(chance, bounds()) == pytest.approx(most)
