"""Decides which files of the source are for training, which for testing, and which are left out as too many."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from stages.core.errors import PipelineError, printable
from stages.core.params import DataParams
from stages.core.seeding import order_key
from stages.sources.files import SourceFile

_PASSES = 10
_NOTHING = 1e-9  # rounding error of a sum of fractions


class Drawn(NamedTuple):
    """Which files are wanted, and for what."""

    # `SourceFile.path` of each wanted file to train, test or an empty text, in the order of paths.
    splits: dict[str, str]
    straddling: dict[str, SourceFile]  # path of each training file that is left out to a test file of its group

    def place(self, file: SourceFile) -> SourceFile:
        """Return a wanted file with its split in its path, or without class and split where it has neither."""
        return file._replace(path=(self.splits[file.path] + file.below_split).lstrip("/"))


def find_groups(files: list[SourceFile], params: DataParams) -> dict[str, str]:
    """Find the groups of files, such as the frames of one scene."""
    if params.group_pattern is None:
        return {}
    pattern = re.compile(params.group_pattern)
    return {file.path: match[1] for file in files if (match := pattern.search(file.below_split)) and match[1]}


def draw_split(files: list[SourceFile], params: DataParams, spare: Mapping[str, int] | None = None) -> Drawn:
    """Decide which files are wanted, and for which split; `data.seed` and paths alone decide.

    The source's own split is kept, but training files whose group is in test too are left out. Where there is none,
    whole groups are drawn for test, so that each class has close to `data.test_fraction` of its images there. If there
    are more than `data.max_per_class` of a class and split, that many are drawn. With `data.classes: none`, all files
    are wanted, for no split.
    """
    files = sorted(files)
    if not params.has_classes:
        return Drawn({file.path: "" for file in files}, {})
    groups = find_groups(files, params)
    splits = {file.path: file.split for file in files} | _draw(
        [file for file in files if not file.split], groups, params
    )
    test = _thin([file for file in files if splits[file.path] == "test"], "test", params, spare or {})
    tested = {groups[file.path]: file for file in reversed(test) if file.path in groups}
    train = [file for file in files if splits[file.path] == "train"]
    straddling = {file.path: tested[groups[file.path]] for file in train if groups.get(file.path) in tested}
    free = [file for file in train if file.path not in straddling]
    wanted = sorted(test + _thin(free, "train", params, spare or {}))
    return Drawn({file.path: splits[file.path] for file in wanted}, straddling)


def check_split(files: list[SourceFile], drawn: Drawn, params: DataParams) -> None:
    """Refuse a source whose classes cannot be split, whatever its files hold."""
    if not params.has_classes:
        return
    groups, members = find_groups(files, params), defaultdict(list)
    for file in files:
        if not file.split:
            members[file.class_name].append(file)
    for name, own in sorted(members.items()):
        if not {"train", "test"} <= {drawn.splits.get(file.path) for file in own}:
            units = len({_unit(file, groups) for file in own})
            grouped = "" if params.group_pattern is None else f" in {units} groups of `data.group_pattern`"
            raise PipelineError(
                f"each class must have images for train and for test, and so must `{printable(name)}`; received: "
                f"{len(own)} images{grouped}"
            )


def _unit(file: SourceFile, groups: dict[str, str]) -> str:
    # No image's own name starts with a slash.
    return f"/{groups[file.path]}" if file.path in groups else file.below_split[1:]


def _draw(files: list[SourceFile], groups: dict[str, str], params: DataParams) -> dict[str, str]:
    """Draw whole groups for testing, so that each class has close to `data.test_fraction` of its images there.

    Groups are visited in random order. A group moves to test if that brings its classes closer to their shares. Then,
    for each class whose images are all on one side, one of its groups moves to the other, unless another class would
    lose all its images on a side. This always succeeds for a class with two groups that hold no other class.
    """
    images: dict[str, Counter] = defaultdict(Counter)
    for file in files:
        images[_unit(file, groups)][file.class_name] += 1
    order = sorted(images, key=lambda group: (order_key(params.seed, group), group))
    sides = _Sides(images, order, params.test_fraction)
    sides.approach()
    sides.fill()
    return {file.path: "test" if _unit(file, groups) in sides.test else "train" for file in files}


def _thin(files: list[SourceFile], split: str, params: DataParams, spare: Mapping[str, int]) -> list[SourceFile]:
    if params.max_per_class is None:
        return files
    kept: Counter = Counter()
    result = []
    for file in sorted(files, key=lambda file: order_key(params.seed, split + file.below_split)):
        if kept[file.class_name] < params.max_per_class + spare.get(file.class_name, 0):
            kept[file.class_name] += 1
            result.append(file)
    return sorted(result)


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
