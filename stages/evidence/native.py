"""Attacks on images at their own size: how large they and their files are, details, outlines of regions, and blocks."""

import io
from collections import Counter

import numpy as np
from PIL import Image

from stages.attacks._learning.ranks import Ranks, linked
from stages.attacks.evidence import UNKNOWN
from stages.attacks.likelihood import SIDE, BlockNoise, Blocks, cut_blocks, link_by_likelihood, name_by_likelihood
from stages.attacks.pooling import Distances, groups_of
from stages.attacks.tiles import MOST_IMAGES, cut_tiles, name_by_tiles
from stages.attacks.traces import link_by_traces, name_by_traces
from stages.core.datasets import Dataset
from stages.core.images import resize_image
from stages.core.parallel import map_ordered
from stages.core.params import RAW
from stages.evidence.holdings import Chosen, Holdings
from stages.evidence.target import Target, parts_acted_on
from stages.methods.shared.method import find_method
from stages.regions.crops import main_region
from stages.regions.masks import published_box

Found = tuple[dict[str, float], dict[str, Distances]]  # numbers, and who is named by whom
_FEWEST_PAIRS = 2
Image.MAX_IMAGE_PIXELS = None  # `ingest` has checked


def attack_natively(held: Holdings) -> Found:
    """Run the attacks on images at their own size."""
    target, chosen, is_of_regions = held.target, held.chosen(), bool(held.view.prefix)
    acting, variant = target.acting, target.variant
    numbers: dict[str, float] = {}
    names: dict[str, Distances] = {}
    if not is_of_regions:
        numbers, names = _attack_sizes(target, chosen)
        if chosen.sets:
            names["tiles"] = _attack_tiles(target, chosen)
    elif acting.where != "image" and chosen.sets:
        names["outline"] = _attack_outlines(target, chosen)
    if variant is not None and is_of_regions == (acting.where == "regions"):
        noise = find_method(variant.method).block_noise(**variant.arguments)
        if noise:
            found = _attack_blocks(target, chosen, BlockNoise(*noise), groups_of(held.asked, held.bursts))
            numbers, names = numbers | found[0], names | found[1]
    return numbers, names


def _attack_sizes(target: Target, chosen: Chosen) -> Found:
    published = _sizes(target.images, [*chosen.train, *chosen.references, *chosen.test])
    raw = published if target.name == RAW else _sizes(target.raw, [*chosen.train, *chosen.test])
    test = _rows(published, chosen.test)
    numbers: dict[str, float] = {}
    if min(len(chosen.train), len(test)) >= _FEWEST_PAIRS:
        of_train = _rows(raw, chosen.train), _rows(published, chosen.train)
        numbers = _linked("size", link_by_traces(*of_train, test, _rows(raw, chosen.test)), len(test))
    if not chosen.sets:
        return numbers, {}
    sets = [(_rows(published, known), _people(known)) for known in chosen.sets]
    return numbers, {"size": name_by_traces(sets, _rows(published, chosen.asked))}


def _sizes(dataset: Dataset, paths: list[str]) -> dict[str, tuple[int, int, int]]:
    """Return the width, the height and the bytes of each image."""

    def size(path: str) -> tuple[int, int, int]:
        encoded = dataset.read(path)
        with Image.open(io.BytesIO(encoded)) as image:
            return image.width, image.height, len(encoded)

    label = f"sizes of {dataset.folder.name}"
    return dict(zip(paths, map_ordered(size, paths, total=len(paths), label=label), strict=True))


def _rows(sizes: dict[str, tuple[int, int, int]], paths: dict[str, int]) -> np.ndarray:
    return np.log(np.array([sizes[path] for path in paths], float))


def _attack_tiles(target: Target, chosen: Chosen) -> Distances:
    images_of = Counter[int]()
    known: dict[str, int] = {}
    for path, person in chosen.sets[-1].items():
        images_of[person] += 1
        if images_of[person] <= MOST_IMAGES:
            known[path] = person
    paths, images = [*known, *chosen.asked], target.images
    tiles = list(map_ordered(lambda path: cut_tiles(images.image(path)), paths, total=len(paths), label="details"))
    return name_by_tiles(tiles[: len(known)], _people(known), tiles[len(known) :])


def _attack_outlines(target: Target, chosen: Chosen) -> Distances:
    sizes = _sizes(target.images, [*chosen.train, *chosen.references, *chosen.test])

    def sides(paths: dict[str, int]) -> np.ndarray:
        found = []
        for path in paths:
            width, height, _ = sizes[path]
            box = published_box(main_region(target.boxes[path]), (height, width), target.acting)
            found.append((box.width, box.height))
        return np.log(np.array(found, float))

    return name_by_traces([(sides(known), _people(known)) for known in chosen.sets], sides(chosen.asked))


def _attack_blocks(target: Target, chosen: Chosen, noise: BlockNoise, groups: np.ndarray) -> Found:
    def part(dataset: Dataset, path: str) -> np.ndarray:
        image = dataset.image(path)
        return (parts_acted_on(target, image, path) or [image])[-1]  # of the largest region, unless it lies outside

    def photo(path: str) -> np.ndarray:
        raw = part(target.raw, path)
        shrink = min(1.0, SIDE / max(raw.shape[:2]))
        return resize_image(raw, (max(1, round(raw.shape[0] * shrink)), max(1, round(raw.shape[1] * shrink))))

    def blocks(path: str) -> tuple[Blocks, Blocks]:
        published, raw = (cut_blocks(part(dataset, path), noise.block_size) for dataset in (target.images, target.raw))
        return published, raw

    test = list(map_ordered(blocks, chosen.test, total=len(chosen.test), label="blocks"))
    published, raw = [pair[0] for pair in test], [pair[1] for pair in test]
    numbers = _linked("likelihood", link_by_likelihood(published, raw, noise), len(raw))
    if not chosen.sets:
        return numbers, {}
    sets = [
        (list(map_ordered(photo, known, total=len(known), label="photos")), _people(known)) for known in chosen.sets
    ]
    asked = [image for image, person in zip(published, chosen.test.values(), strict=True) if person != UNKNOWN]
    return numbers, {"likelihood": name_by_likelihood(sets, asked, groups, noise)}


def _linked(name: str, ranks: Ranks, count: int) -> dict[str, float]:
    return {f"{name}_linkage_{key}": value for key, value in linked(ranks, count).items()}


def _people(images: dict[str, int]) -> np.ndarray:
    return np.fromiter(images.values(), int)
