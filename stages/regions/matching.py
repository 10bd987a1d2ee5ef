"""Brings given and detected boxes together: joins those of one face, and counts what a detector missed."""

from collections.abc import Iterable
from typing import NamedTuple

from stages.core.boxes import PERSON, Box

OVERLAP = 0.5  # from which two boxes are of one face
_SIZES = {"below_20": 20, "20_to_39": 40, "40_to_79": 80, "80_or_more": float("inf")}  # longer side in pixels, below


def merge_boxes(given: list[Box], detected: list[Box]) -> tuple[list[Box], int]:
    """Join given and detected boxes of an image, so that nothing of either is lost, and count the joined ones.

    Examples
    --------
    >>> merge_boxes([Box(0, 0, 10, 10, "face")], [Box(1, 0, 10, 10, "face", 0.9), Box(50, 0, 10, 10, "face", 0.8)])
    ([Box(x=0, y=0, width=11, height=10, label='face', score=0.9), \
Box(x=50, y=0, width=10, height=10, label='face', score=0.8)], 1)
    """
    joined, others = list(given), []
    for box in detected:
        overlaps = [box.overlap(other) if other.label in ("", box.label) else 0.0 for other in given]
        best = max(range(len(given)), key=overlaps.__getitem__, default=None)
        if best is not None and overlaps[best] >= OVERLAP:
            joined[best] = _join(joined[best], box)
        else:
            others.append(box)
    return joined + others, len(detected) - len(others)


def _join(given: Box, detected: Box) -> Box:
    left, top = min(given.x, detected.x), min(given.y, detected.y)
    right = max(given.x + given.width, detected.x + detected.width)
    bottom = max(given.y + given.height, detected.y + detected.height)
    score = max(box.score for box in (given, detected) if box.score is not None)
    return Box(left, top, right - left, bottom - top, given.label or detected.label, score)


def find_matches(given: list[Box], detected: list[Box]) -> list[bool]:
    """Tell which given boxes of an image were detected, each detected box counting for one given box at most.

    References
    ----------
    Everingham, Van Gool, Williams, Winn and Zisserman, "The PASCAL Visual Object Classes (VOC) Challenge",
    International Journal of Computer Vision 88, 2010, section 4.2.

    Examples
    --------
    >>> find_matches([Box(0, 0, 10, 10), Box(20, 0, 10, 10)], [Box(1, 0, 10, 10, score=0.9)])
    [True, False]
    """
    matched = [False] * len(given)
    for box in sorted(detected, key=lambda box: -(box.score or 0)):
        free = {
            number: box.overlap(other)
            for number, other in enumerate(given)
            if not matched[number] and (not other.label or (other.label == PERSON) == (box.label == PERSON))
        }
        best = max(free, key=free.__getitem__, default=None)
        if best is not None and free[best] >= OVERLAP:
            matched[best] = True
    return matched


class Detection(NamedTuple):
    """The boxes of one image."""

    given: list[Box]
    detected: list[Box]


def score_detector(images: Iterable[Detection]) -> dict:
    """Compare detected boxes with the given ones: recall and missed, of all and by their longer side; precision."""
    matches: list[tuple[int, bool]] = []
    detected = 0
    for image in images:
        sides = (max(box.width, box.height) for box in image.given)
        matches += zip(sides, find_matches(image.given, image.detected), strict=True)
        detected += len(image.detected)
    if not matches:
        return {}
    scores = _recall([found for _, found in matches])
    if detected:
        scores["precision"] = round(sum(found for _, found in matches) / detected, 4)
    by_size: dict[str, list[bool]] = {name: [] for name in _SIZES}
    for side, found in matches:
        by_size[next(name for name, bound in _SIZES.items() if side < bound)].append(found)
    scores["by_size"] = {name: {"given": len(found)} | _recall(found) for name, found in by_size.items() if found}
    return scores


def _recall(found: list[bool]) -> dict:
    return {"recall": round(sum(found) / len(found), 4), "missed": len(found) - sum(found)}
