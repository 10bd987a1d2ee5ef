"""Puts people into groups, for a method that gives everyone in a group the same pixels, and proves that it did.

A group's mean is made of its people's training images. People who are in test images alone form groups of their own, of
their test images, if there are enough of them.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np

from stages.core.boxes import Box
from stages.core.datasets import Dataset, Part
from stages.core.errors import PipelineError
from stages.core.images import decode_image, resize_image
from stages.core.parallel import count_image, map_parts
from stages.core.params import Acting, Variant
from stages.regions.crops import main_region

_THUMB = 8  # pixels: side at which people are compared
_WHOLE = 128  # pixels: side of the mean of whole images
_TEST = "test/"
Unit = tuple[bool, str]  # whether it is a person, and the number; else an image, and its path
CERTIFICATE = "certificate.json"
SIZE_STEP = 2**0.5  # from one size of a replaced box to the next
_EVERYONE = -1  # in place of a group
_Found = TypeVar("_Found")


class Groups(NamedTuple):
    """Who is in which group, and where in each image the mean of the group goes."""

    of_image: dict[str, int]
    of_unit: dict[Unit, int]
    sources: dict[str, Unit]  # images of which the means are made, and whose they are
    counts: Counter[tuple[Unit, str]]  # of these images, by whose they are and the label
    boxes: dict[str, list[Box]]  # of one shape in a group, and within the image; empty for whole images
    acting: Acting


class _Look(NamedTuple):
    size: tuple[int, int]
    inside: list[Box]  # the parts of boxes within the image
    feature: np.ndarray  # what people are compared by; empty where no box lies within the image


def form_groups(
    source: Dataset,
    boxes: dict[str, list[Box]],
    people: dict[str, str],
    variant: Variant,
    fit: Callable[..., np.ndarray],
    name: str,
) -> Groups:
    """Put the people of a data set, and images of whom nobody is known, into groups."""
    acting, is_whole = variant.acting, variant.acting.where == "image"

    def look(path: str, image: np.ndarray) -> tuple[str, _Look]:
        size = image.shape[0], image.shape[1]
        inside = [] if is_whole else [_inside(box, size) for box in boxes[path]]
        seen = [box for box in inside if box.area]
        if not is_whole and not seen:
            return path, _Look(size, inside, np.empty(0))
        shown = image if is_whole else _aligned(image, main_region(seen), acting.grow, acting.side)
        return path, _Look(size, inside, resize_image(shown, (_THUMB, _THUMB)).ravel().astype(float))

    paths = source.paths() if is_whole else [path for path in source.paths() if path in boxes]
    looks = dict(_map_images(source, paths, look, name))
    images: dict[Unit, list[str]] = defaultdict(list)
    for path, (_, _, feature) in looks.items():
        if feature.size:
            images[(True, people[path]) if path in people else (False, path)].append(path)
    sources = {unit: [path for path in own if not path.startswith(_TEST)] or own for unit, own in images.items()}
    means = {unit: np.mean([looks[path].feature for path in sources[unit]], axis=0) for unit in sorted(images)}
    of_unit, joined = _divide(means, sources, variant, fit, name)
    of_image = {path: of_unit[unit] for unit, own in images.items() for path in own}
    of_means = {path: unit for unit, own in sources.items() if unit not in joined for path in own}
    labels = {path: [""] if is_whole else _main_regions(looks[path].inside) for path in of_means}
    return Groups(
        of_image,
        of_unit,
        of_means,
        Counter((unit, label) for path, unit in of_means.items() for label in labels[path]),
        {} if is_whole else _common_boxes(boxes, looks, of_image, variant),
        acting.model_copy(update={"shape": "box", "snap": 0.0, "grow": 0.0, "feather": 0.0}),
    )


def _divide(
    features: dict[Unit, np.ndarray],
    sources: dict[Unit, list[str]],
    variant: Variant,
    fit: Callable[..., np.ndarray],
    name: str,
) -> tuple[dict[Unit, int], set[Unit]]:
    """Return the group of each unit, and the units in test alone that are too few for a group and join others."""
    k = variant.arguments["k"]
    late = [unit for unit in features if sources[unit][0].startswith(_TEST)]
    early = [unit for unit in features if unit not in set(late)]
    if not early:
        early, late = late, []
    if len(early) < k:
        what = "people" if any(is_person for is_person, _ in features) else "images"
        raise PipelineError(f"`variants.{name}.k` must be at most the number of {what}, {len(early)}; received: {k}")
    of_unit: dict[Unit, int] = {}
    for units in (early, late) if len(late) >= k else (early,):
        numbers = fit(np.stack([features[unit] for unit in units]), **variant.arguments)
        of_unit |= dict(zip(units, (numbers + len(set(of_unit.values()))).tolist(), strict=True))
    joined = {unit for unit in late if unit not in of_unit}
    if joined:
        members = defaultdict(list)
        for unit, number in of_unit.items():
            members[number].append(features[unit])
        centres = np.stack([np.mean(members[number], axis=0) for number in range(len(members))])
        of_unit |= {unit: int(((centres - features[unit]) ** 2).sum(axis=1).argmin()) for unit in joined}
    return of_unit, joined


def _map_images(
    source: Dataset, paths: list[str], look: Callable[[str, np.ndarray], _Found], label: str
) -> Iterator[_Found]:
    """Look at some images of a data set, each read once."""
    wanted = set(paths)
    parts = [Part(part.name, tuple(path for path in part.paths if path in wanted)) for part in source.parts()]

    def look_at(part: Part) -> list[_Found]:
        found = []
        for path, encoded in source.read_part(part):
            found.append(look(path, decode_image(encoded, source.folder / path)))
            count_image()
        return found

    return chain.from_iterable(map_parts(look_at, [part for part in parts if len(part)], label=f"{label} groups"))


def _inside(box: Box, size: tuple[int, int]) -> Box:
    """Return the part of a box within the image; of no area where there is none."""
    left, top = max(box.x, 0), max(box.y, 0)
    width, height = min(box.x + box.width, size[1]) - left, min(box.y + box.height, size[0]) - top
    return box._replace(x=left, y=top, width=max(width, 0), height=max(height, 0) if width > 0 else 0)


def _aligned(image: np.ndarray, box: Box, grow: float, side: int) -> np.ndarray:
    """Cut a grown box out of an image, whose border pixels go on beyond it, and stretch it to a square."""
    rows, columns = (
        np.clip(np.arange(round(start - grow * length), round(start + (1 + grow) * length)), 0, end - 1)
        for start, length, end in ((box.y, box.height, image.shape[0]), (box.x, box.width, image.shape[1]))
    )
    return resize_image(np.ascontiguousarray(image[rows][:, columns]), (side, side))


def _common_boxes(
    boxes: dict[str, list[Box]],
    looks: dict[str, _Look],
    of_image: dict[str, int],
    variant: Variant,
) -> dict[str, list[Box]]:
    """Give the boxes of a group and a label one shape, and one size or a few, as sides tell people apart."""
    aspects: dict[tuple[int, str], list[float]] = defaultdict(list)
    for path in sorted(of_image):
        for box in looks[path].inside:
            aspects[of_image[path], box.label] += [np.log(box.height / box.width) / 2] if box.area else []
    shapes = {key: np.exp(np.mean(logs) * np.array([1, -1])) for key, logs in aspects.items() if logs}

    def scale(path: str, box: Box) -> float:
        """Return what the shape must be multiplied by to hold a grown box, as a share of the image's longer side."""
        needed = np.array([box.height, box.width]) / shapes[of_image[path], box.label]
        return (1 + 2 * variant.acting.grow) * needed.max() / max(looks[path].size)

    largest: dict[tuple[int, str], float] = defaultdict(float)
    for path, group in of_image.items():
        for box in looks[path].inside:
            largest[group, box.label] = max(largest[group, box.label], scale(path, box) if box.area else 0)

    def widen(path: str, given: Box, box: Box) -> Box:
        if not box.area:
            return given
        share, ends = largest[of_image[path], box.label], looks[path].size
        if variant.arguments["sizes"] == "few":
            share = SIZE_STEP ** np.ceil(np.log(scale(path, box)) / np.log(SIZE_STEP) - 1e-9)
        wanted = np.ceil(share * max(ends) * shapes[of_image[path], box.label] - 1e-6).astype(int)
        sides = np.minimum(wanted, ends).tolist()
        starts = [
            min(max((2 * start + length - side) // 2, 0), end - side)
            for start, length, side, end in zip((box.y, box.x), (box.height, box.width), sides, ends, strict=True)
        ]
        return box._replace(x=starts[1], y=starts[0], width=sides[1], height=sides[0])

    return {
        path: [widen(path, given, box) for given, box in zip(boxes[path], look.inside, strict=True)]
        for path, look in looks.items()
    }


class Means:
    """The mean of each group and label: what its members' regions, or whole images, look like on average."""

    def __init__(self, source: Dataset, boxes: dict[str, list[Box]], groups: Groups, variant: Variant, name: str):
        k, acting = variant.arguments["k"], variant.acting
        paths = [path for path in source.paths() if path in groups.sources]

        def cut(path: str, image: np.ndarray) -> tuple[str, dict[str, np.ndarray]]:
            if acting.where == "image":
                return path, {"": resize_image(image, (_WHOLE, _WHOLE))}
            regions = _main_regions([_inside(box, image.shape[:2]) for box in boxes[path]])
            return path, {label: _aligned(image, box, acting.grow, acting.side) for label, box in regions.items()}

        sums: dict[tuple[int, str], np.ndarray] = {}
        for path, crops in _map_images(source, paths, cut, name):
            unit = groups.sources[path]
            for label, crop in crops.items():
                share = crop / groups.counts[unit, label]  # each person counts the same
                for group in (groups.of_unit[unit], _EVERYONE):
                    sums[group, label] = sums.get((group, label), 0) + share
        members = Counter((groups.of_unit[unit], label) for unit, label in groups.counts)
        members.update((_EVERYONE, label) for _, label in groups.counts)
        # Where fewer than k of a group have a label, its mean would show too few of them.
        # Halves are rounded up, however the order of images rounds the sum.
        self._means = {
            key: np.floor(of / members[key] + 0.5 + 1e-6).astype(np.uint8)
            for key, of in sums.items()
            if members[key] >= k
        }
        self._group, self._side = groups.of_image, acting.side

    def of(self, path: str, label: str) -> np.ndarray:
        """Return what takes the place of a region, or of a whole image."""
        for group in (self._group.get(path, _EVERYONE), _EVERYONE):
            if (group, label) in self._means:
                return self._means[group, label]
        return np.full((self._side, self._side, 3), 128, np.uint8)

    def digest(self, path: str, labels: Iterable[str]) -> str:
        """Return the SHA-256 of all that takes a place in an image."""
        return hashlib.sha256(b"".join(self.of(path, label).tobytes() for label in sorted(set(labels)))).hexdigest()


def _main_regions(boxes: list[Box]) -> dict[str, Box]:
    """Return the largest region of each label that lies within the image."""
    labels = {box.label for box in boxes if box.area}
    return {label: main_region([box for box in boxes if box.label == label]) for label in sorted(labels)}


def certify(images: Dataset, groups: Groups, variant: Variant, name: str) -> dict[str, Any]:
    """Read what is published, and see whether what was replaced is the same, byte by byte, in each group."""

    def digest(path: str, image: np.ndarray) -> tuple[str, list[tuple[str, int, int, str]], int]:
        inside = [_inside(box, image.shape[:2]) for box in groups.boxes.get(path, ())]
        replaced = [box for box in inside if box.area]
        compared = [Box(0, 0, *image.shape[1::-1])] if variant.acting.where == "image" else uncovered(replaced)
        parts = [(box, image[box.y : box.y + box.height, box.x : box.x + box.width]) for box in compared]
        found = [(box.label, box.width, box.height, hashlib.sha256(part.tobytes()).hexdigest()) for box, part in parts]
        return path, found, max(len(replaced) - len(compared), 0)

    found: dict[int, Counter] = defaultdict(Counter)
    overlaid = 0
    for path, regions, hidden in _map_images(images, sorted(groups.of_image), digest, f"{name} certificate"):
        found[groups.of_image[path]].update(regions)
        overlaid += hidden
    members, counts = Counter(groups.of_unit.values()), Counter(groups.of_image.values())
    rows = [
        {
            "members": members[group],
            "images": counts[group],
            "replaced": [
                {"label": label, "width": width, "height": height, "regions": regions, "sha256": digest}
                for (label, width, height, digest), regions in sorted(found[group].items())
            ],
        }
        for group in sorted(members)
    ]
    places = [[(label, width, height) for label, width, height, _ in found[group]] for group in members]
    return {
        "k": variant.arguments["k"],
        "people": sum(is_person for is_person, _ in groups.of_unit),
        "images_of_nobody_known": sum(not is_person for is_person, _ in groups.of_unit),
        "smallest_group": min(members.values()),
        "images_left_open": len(images.paths()) - len(groups.of_image),  # without a region, so as they were
        "regions_not_compared": overlaid,  # as another one lies on them
        # One digest for each label and size of image: with JPEG, what lies around a region changes its pixels.
        "byte_equal": all(len(set(of_group)) == len(of_group) for of_group in places),
        "groups": rows,
    }


def uncovered(boxes: Sequence[Box]) -> list[Box]:
    """Return the regions of an image that no region replaced later overlaps."""
    ordered = sorted(boxes, key=lambda box: (box.area, box[:4]))
    return [box for number, box in enumerate(ordered) if not any(box.overlap(later) for later in ordered[number + 1 :])]


def best_guess(groups: Groups, asked: dict[str, int]) -> float:
    """Return the share of images named right by naming, in each group, the person with the most images."""
    people: dict[int | str, Counter] = defaultdict(Counter)
    for path, person in asked.items():
        people[groups.of_image.get(path, path)][person] += 1
    return sum(max(counts.values()) for counts in people.values()) / len(asked)
