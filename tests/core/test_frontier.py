"""The frontier: which variants are efficient, and what is recommended."""

import pandas as pd

from stages.core.frontier import efficient_variants, recommend
from stages.core.params import CompareParams


def table(**variants):
    rows = [("raw", 0.9, 0.95)] + [(name, *values) for name, values in variants.items()]
    result = pd.DataFrame(rows, columns=["dataset", "accuracy", "identity_accuracy"])
    result["accuracy_drop"] = 0.9 - result["accuracy"]
    result["identity_chance"] = 0.1
    for key, short in (("accuracy", "accuracy"), ("identity_accuracy", "identity")):
        result[f"{short}_low"], result[f"{short}_high"] = result[key] - 0.02, result[key] + 0.02
    result.insert(1, "efficient", efficient_variants(result))
    return result


def bounds(drop=0.05, identity=0.25):
    return CompareParams(max_accuracy_drop=drop, max_identity_accuracy=identity, gallery_images=1, show_raw=None)


def test_a_variant_is_efficient_if_no_other_beats_it_on_both():
    marked = table(good=(0.8, 0.3), worse_on_both=(0.7, 0.4), private=(0.3, 0.1), tie=(0.8, 0.3))
    assert marked[marked["efficient"]]["dataset"].tolist() == ["good", "private", "tie"]


def test_the_most_accurate_variant_that_protects_is_recommended():
    sentence = recommend(table(open=(0.89, 0.9), closed=(0.86, 0.2), darker=(0.85, 0.1)), bounds())
    assert sentence.startswith("Recommended: closed, which costs 4.0% of accuracy")
    assert "name 20.0%" in sentence


def test_nothing_is_recommended_if_nothing_protects():
    sentence = recommend(table(open=(0.89, 0.9), half=(0.8, 0.5)), bounds())
    assert "no variant protects" in sentence
    assert "the closest, half, lets an informed attacker name 50.0%" in sentence


def test_nothing_is_recommended_if_protection_costs_too_much():
    sentence = recommend(table(dark=(0.2, 0.1)), bounds())
    assert "costs too much" in sentence
    assert "dark, costs 70.0%" in sentence


def test_without_identities_nothing_is_claimed():
    assert "privacy was not measured" in recommend(table(a=(0.8, 0.3)).drop(columns="identity_accuracy"), bounds())


def test_an_attacker_that_fails_on_raw_images_lets_nothing_be_recommended():
    weak = table(closed=(0.86, 0.2))
    weak.loc[weak["dataset"] == "raw", "identity_accuracy"] = 0.79
    assert recommend(weak, bounds()).startswith("Recommended: none, as the attacker names only 79.0%")
