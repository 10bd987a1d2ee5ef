"""Brings given and detected boxes together: joins those of one face, and counts what a detector missed.

Without a detector of people, a box of the whole person derived from the face is all that is known of where they are.
"""

import math
from collections.abc import Iterable

from stages.core.boxes import FACE, PERSON, Box

OVERLAP = 0.5  # from which two boxes are of one face
# Of a whole person, in widths and heights of a face as MTCNN draws it: wide enough for arms, from hair to feet.
_WIDTH, _ABOVE, _BELOW = 4.5, 0.7, 9.0
_SIZES = {"below_20": 20, "20_to_39": 40, "40_to_79": 80, "80_or_more": float("inf")}  # longer side in pixels, below


def merge_boxes(given: list[Box], detected: list[Box]) -> tuple[list[Box], int]:
    """Join given and detected boxes of an image, so that nothing of either is lost, and count the joined ones."""
    joined, unmatched = list(given), []
    for box in detected:
        overlaps = [box.overlap(candidate) if candidate.label in ("", box.label) else 0.0 for candidate in given]
        best = max(range(len(given)), key=overlaps.__getitem__, default=None)
        if best is not None and overlaps[best] >= OVERLAP:
            joined[best] = _join(joined[best], box)
        else:
            unmatched.append(box)
    return joined + unmatched, len(detected) - len(unmatched)


def _join(given: Box, detected: Box) -> Box:
    left, top = min(given.x, detected.x), min(given.y, detected.y)
    right = max(given.x + given.width, detected.x + detected.width)
    bottom = max(given.y + given.height, detected.y + detected.height)
    score = max(box.score for box in (given, detected) if box.score is not None)
    return Box(left, top, right - left, bottom - top, given.label or detected.label, score)


def with_bodies(boxes: list[Box]) -> list[Box]:
    """Add to boxes those of the people whose upright faces are among them; they may reach far beyond the image.

    Examples
    --------
    >>> with_bodies([Box(100, 50, 20, 30, "face", 0.9)])[1]
    Box(x=65, y=29, width=90, height=321, label='person', score=0.9)
    """
    return boxes + [_body(box) for box in boxes if box.label == FACE]


def _body(face: Box) -> Box:
    left = math.floor(face.x + face.width / 2 - _WIDTH / 2 * face.width)
    top = math.floor(face.y - _ABOVE * face.height)
    bottom = math.ceil(face.y + (1 + _BELOW) * face.height)
    return Box(left, top, math.ceil(_WIDTH * face.width), bottom - top, PERSON, face.score)


def find_matches(given: list[Box], detected: list[Box]) -> list[bool]:
    """Tell which given boxes of an image were detected, each detected box counting for one of them at most."""
    matched = [False] * len(given)
    for box in sorted(detected, key=lambda box: -(box.score or 0)):
        free = {
            number: box.overlap(candidate)
            for number, candidate in enumerate(given)
            if not matched[number] and (not candidate.label or (candidate.label == PERSON) == (box.label == PERSON))
        }
        best = max(free, key=free.__getitem__, default=None)
        if best is not None and free[best] >= OVERLAP:
            matched[best] = True
    return matched


def score_detector(images: Iterable[tuple[list[Box], list[Box]]]) -> dict:
    """Compare given and detected boxes of images: recall and missed, of all and by their longer side; precision."""
    of_size: dict[str, list[bool]] = {name: [] for name in _SIZES}
    count = 0
    for given, detected in images:
        for box, is_found in zip(given, find_matches(given, detected), strict=True):
            side = max(box.width, box.height)
            of_size[next(name for name, bound in _SIZES.items() if side < bound)].append(is_found)
        count += len(detected)
    found = sum(of_size.values(), [])
    if not found:
        return {}
    precision = {"precision": round(sum(found) / count, 4)} if count else {}
    by_size = {name: {"given": len(own)} | _recall(own) for name, own in of_size.items() if own}
    return _recall(found) | precision | {"by_size": by_size}


def _recall(found: list[bool]) -> dict:
    return {"recall": round(sum(found) / len(found), 4), "missed": len(found) - sum(found)}
