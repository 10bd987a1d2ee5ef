"""Divides groups of images between train and test: whole groups, each class close to its share."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from stages.core.seeding import order_key

_PASSES = 10
_NOTHING = 1e-9  # rounding error of a sum of fractions


def draw_groups(groups: Mapping[str, Mapping[str, int]], *, share: float, seed: int) -> set[str]:
    """Draw groups for testing, so that each class has close to a share of its images there.

    Groups are visited in random order. A group moves to test if that brings its classes closer to their shares; where
    each image is a group of its own, the first ones do. Then, for each class whose images are all on one side, one of
    its groups moves to the other, unless another class would lose all its images on a side. This always succeeds for a
    class with two groups that hold no other class.

    Examples
    --------
    >>> draw_groups({"one": {"a": 5}, "two": {"a": 1}, "three": {"a": 4}}, share=0.4, seed=0)
    {'three'}
    """
    sides = _Sides(groups, sorted(groups, key=lambda group: (order_key(seed, group), group)), share)
    sides.approach()
    sides.fill()
    return sides.test


class _Sides:
    """Which groups are in test, and what that means for the classes."""

    def __init__(self, groups: Mapping[str, Mapping[str, int]], order: list[str], share: float) -> None:
        # Fractions are always added up in the same order.
        self.groups = {group: dict(sorted(groups[group].items())) for group in order}
        self.sizes: Counter = Counter()
        for images in groups.values():
            self.sizes.update(images)
        self.wanted = {name: min(max(1, round(share * size)), size - 1) for name, size in self.sizes.items()}
        self.held = dict.fromkeys(self.sizes, 0)  # images in test
        self.test: set[str] = set()

    def approach(self) -> None:
        for _ in range(_PASSES):
            better = False
            for group in self.groups:
                if self._distance(group) < -_NOTHING:
                    self._change_side(group)
                    better = True
            if not better or self.held == self.wanted:
                return

    def fill(self) -> None:
        members = defaultdict(list)
        for group, images in self.groups.items():
            for name in images:
                members[name].append(group)
        for name in sorted(self.sizes):
            if self._lacks(name):
                best = min(members[name], key=lambda group: (self._lost(group), self._distance(group)))
                if not self._lost(best):
                    self._change_side(best)

    def _sign(self, group: str) -> int:
        return -1 if group in self.test else 1

    def _change_side(self, group: str) -> None:
        sign = self._sign(group)
        for name, count in self.groups[group].items():
            self.held[name] += sign * count
        self.test ^= {group}

    def _lacks(self, name: str, more: int = 0) -> bool:
        return self.held[name] + more in (0, self.sizes[name])

    def _lost(self, group: str) -> int:
        # How many classes of the group would be on one side alone after its move.
        sign = self._sign(group)
        return sum(self._lacks(name, sign * count) for name, count in self.groups[group].items())

    def _distance(self, group: str) -> float:
        # By how much the move of the group takes its classes away from their shares.
        sign, farther = self._sign(group), 0.0
        for name, count in self.groups[group].items():
            off = self.held[name] - self.wanted[name]
            farther += (abs(off + sign * count) - abs(off)) / self.sizes[name]
        return farther
