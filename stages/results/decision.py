"""The rule: which variants keep the bounds of `compare`, which break one, and where more data must decide."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.core.params import CompareParams
from stages.results.privacy import convinces
from stages.results.statistics import LIMIT_TAIL, reach_of
from stages.results.utility import ACCURACIES, deployments

RECOMMENDED, REFUSED, UNDECIDED = "recommended", "refused", "undecided"
PASSED, FAILED = "passed", "failed"
COSTS = {images: f"accuracy_lost_{images}" for images in ACCURACIES}  # the bounds that are not about privacy
_MOST_SEEDS = 100
_LARGEST_FACTOR = 1000  # of images; more would be advice that nobody can follow


class Bound(NamedTuple):
    """What a variant was found to do, and what it may do at most."""

    key: str
    value: float
    least: float  # limits, each of which misses in at most 5 % of cases
    most: float
    limit: float
    state: str  # passed, failed or undecided
    needed: str = ""  # what would decide it

    @property
    def excess(self) -> float:
        """By how much it is surely beyond the limit."""
        return self.least - self.limit


class Verdict(NamedTuple):
    """What the rule says of one variant."""

    status: str  # recommended, refused or undecided
    bounds: list[Bound]

    @property
    def protects(self) -> bool:
        """Whether every bound on privacy is kept."""
        return all(bound.state == PASSED for bound in self.bounds if bound.key not in COSTS.values())


def decide(row: Mapping[str, Any], raw: Mapping[str, Any], params: CompareParams) -> Verdict:
    """Judge one variant by its row of the comparison: refused if a bound is surely broken, recommended if all are kept.

    Undecided too where the attack fails on raw images, or the network learns nothing from them: then no bound on
    privacy, or on accuracy, can surely be kept.
    """
    bounds = [*_privacy_bounds(row, raw, params), *_counted_bounds(row)]
    bounds += [_cost_bound(row, raw, params, images) for images in deployments(params.deployed_on)]
    states = {bound.state for bound in bounds}
    return Verdict(REFUSED if FAILED in states else UNDECIDED if UNDECIDED in states else RECOMMENDED, bounds)


def _privacy_bounds(row: Mapping, raw: Mapping, params: CompareParams) -> list[Bound]:
    if "images_advantage" not in row:
        return [Bound("attacked", 0, 0, 1, 0, UNDECIDED, "an attack: nobody is known, and no image was linked")]
    limit, times = params.max_identity_accuracy, params.max_times_chance
    if "people_asked" not in row:
        bounds = [_judge("images_linked", row, "images_advantage", limit, row["linkage_images"], "images")]
    else:
        bounds = [
            _judge("images_named", row, "images_advantage", limit, row["images_asked"], "images of as many people"),
            _judge("people_named", row, "people_advantage", limit, row["people_asked"], "people"),
            _judge("times_chance", row, "times_chance", times, row["images_asked"], "images"),
        ]
    if convinces(raw):
        return bounds
    needed = "an attack that succeeds on raw images, whose failure here would mean something"
    return [bound._replace(state=UNDECIDED, needed=needed) if bound.state == PASSED else bound for bound in bounds]


def _judge(key: str, row: Mapping, name: str, limit: float, seen: float, what: str) -> Bound:
    value, least, most = row[name], row[f"{name}_least"], row[f"{name}_most"]
    state = _state(least, most, limit)
    if state != UNDECIDED:
        return Bound(key, value, least, most, limit, state)
    reach = most - value if value <= limit else value - least
    factor = (reach / (limit - value)) ** 2 if value != limit else math.inf
    needed = f"about {_round_up(factor * seen)} {what}" if factor <= _LARGEST_FACTOR else f"far more {what}"
    return Bound(key, value, least, most, limit, state, f"{needed} (now {seen:.0f})")


def _counted_bounds(row: Mapping) -> list[Bound]:
    counts = ((key, row.get(key, math.nan)) for key in ("images_left_open", "regions_missed"))
    # Each of them shows a person, whatever the attacks say.
    return [Bound(key, *(count,) * 3, 0, FAILED if count else PASSED) for key, count in counts if not math.isnan(count)]


def _cost_bound(row: Mapping, raw: Mapping, params: CompareParams, images: str) -> Bound:
    limit, name = params.max_accuracy_drop, f"accuracy_drop_{images}"
    drop, least, most = row[name], row[f"{name}_least"], row[f"{name}_most"]
    state, needed = _state(least, most, limit), ""
    if raw["accuracy_low"] <= raw["commonest_class"]:
        state, needed = UNDECIDED, "networks that learn more from raw images than to name the commonest class"
    elif row["seeds"] == 1:
        state, needed = UNDECIDED, "several seeds (now 1): one run does not tell how runs differ"
    elif state == UNDECIDED:
        needed = _seeds_needed(row, name, abs(limit - (least + most) / 2))
    return Bound(COSTS[images], drop, least, most, limit, state, needed)


def _seeds_needed(row: Mapping, name: str, gap: float) -> str:
    runs = int(row["seeds"])
    of_runs, of_images = row[f"{name}_error_of_runs"] * math.sqrt(runs), row[f"{name}_error_of_images"]
    for seeds in range(runs + 1, _MOST_SEEDS + 1):
        if reach_of(of_runs / math.sqrt(seeds), of_images, seeds, LIMIT_TAIL) <= gap:
            return f"about {seeds} seeds (now {runs})"
    return f"more test images: over {_MOST_SEEDS} seeds would not do on these"


def _state(least: float, most: float, limit: float) -> str:
    return PASSED if most <= limit else FAILED if least > limit else UNDECIDED


def _round_up(number: float) -> int:
    """Round up to two digits."""
    unit = 10 ** max(0, math.floor(math.log10(max(number, 1))) - 1)
    return math.ceil(number / unit) * unit
