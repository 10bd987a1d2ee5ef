"""The answer and the bounds in words: numbers, their order, and what is claimed."""

from stages.report.recommendation import bound_text, recommend
from stages.results.decision import COSTS, Bound, Verdict
from tests.report.comparison import table


def verdict(status, least=0.3):
    state = {"recommended": "passed", "refused": "failed", "undecided": "undecided"}[status]
    named = Bound("images_named", least + 0.05, least, least + 0.1, 0.25, state, "about 400 images (now 100)")
    return Verdict(status, [named, Bound(COSTS["raw"], 0.02, 0.01, 0.03, 0.05, "passed")])


def says(sentences, *parts):
    place = 0
    for part in parts:
        assert part in sentences[place:], sentences
        place = sentences.index(part, place) + len(part)


def test_of_several_that_pass_the_cheapest_comes_first_and_no_privacy_is_claimed():
    verdicts = {"a": verdict("recommended"), "b": verdict("recommended"), "c": verdict("refused")}
    answer = recommend(table(a=(0.86, 0.2), b=(0.88, 0.1), c=(0.9, 0.9)), verdicts)
    says(answer, "Recommended: b.", "a is within all bounds too.", "10.0 %", "1 of the 10 people", "may do better")


def test_of_refused_ones_the_closest_is_named_with_the_bound_it_breaks_and_the_attacker():
    verdicts = {"a": verdict("refused", 0.9), "b": verdict("refused", 0.4)}
    answer = recommend(table(a=(0.8, 0.96), b=(0.8, 0.5)), verdicts)
    says(answer, "a and b are refused. b comes closest", "images named beyond guessing (45 %, at most 25 %")
    says(answer, "names the right person in 50.0 % of the test images (10.0 % by chance)")


def test_what_is_undecided_comes_before_what_is_refused_with_what_would_decide_it():
    answer = recommend(
        table(a=(0.8, 0.9), b=(0.8, 0.2)), {"a": verdict("refused", 0.9), "b": verdict("undecided", 0.2)}
    )
    says(answer, "b is undecided. a is refused. b leaves open", "about 400 images (now 100)", "20.0 %")


def test_linkage_is_never_called_naming():
    linked = table(a=(0.8, 0.9)).rename(columns={"named": "linked", "strongest_low": "linked_low"})
    linked = linked.drop(columns=["people_named", "people_asked"]).assign(strongest_attack="region_linkage")
    answer = recommend(linked, {"a": Verdict("refused", [Bound("images_linked", 0.9, 0.85, 0.95, 0.25, "failed")])})
    says(answer, "images linked beyond guessing (90 %", "links 90.0 % of the test images", "rests on linkage alone")
    assert "named" not in answer and "names" not in answer


def test_without_variants_or_attacks_it_says_so():
    says(recommend(table(), {}), "Recommended: none. There is no variant")
    unattacked = table(a=(0.8, 0.9)).drop(columns=["named", "strongest_attack"])
    nothing = Verdict("undecided", [Bound("attacked", 0, 0, 1, 0, "undecided", "an attack")])
    says(recommend(unattacked, {"a": nothing}), "a is undecided.", "not measured", "privacy was not measured")


BOUNDS = {
    "images named beyond guessing|97.3 %|89.8 % to 99.4 %|25 %|failed|by 64.8 points at least": Bound(
        "images_named", 0.973, 0.898, 0.994, 0.25, "failed"
    ),
    "images named, in times of chance|10.4|9.7 to 10.6|8|failed|by 1.7 at least": Bound(
        "times_chance", 10.44, 9.7, 10.6, 8, "failed"
    ),
    "accuracy lost on raw images, in points|2|-1 to 6|5|undecided|would take about 7 seeds (now 3)": Bound(
        COSTS["raw"], 0.02, -0.01, 0.06, 0.05, "undecided", "about 7 seeds (now 3)"
    ),
    "images left open|3||0|failed|by 3 at least": Bound("images_left_open", 3, 3, 3, 0, "failed"),
}


def test_a_bound_says_what_was_found_what_is_allowed_and_by_how_much_it_failed():
    assert ["|".join(bound_text(bound)) for bound in BOUNDS.values()] == list(BOUNDS)
