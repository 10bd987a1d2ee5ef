"""The ways in which attackers look at a data set, whole or cut to the main regions, and the images that they hold."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from stages.attacks.evidence import UNKNOWN, Evidence, Photos
from stages.attacks.recognition import Recognizer
from stages.attacks.roles import Roles, assign_roles
from stages.core.boxes import REGION, Box, with_labels
from stages.core.datasets import Dataset
from stages.core.images import SPLITS, resize_image
from stages.core.parallel import map_ordered
from stages.core.params import RAW, Acting
from stages.core.people import People
from stages.core.seeding import order_key
from stages.evidence.target import Change, Target
from stages.regions.alignment import frame_face
from stages.regions.crops import GREY, around, main_region, square_crop
from stages.regions.masks import published_box, region_mask

SURROUNDINGS = 3  # times the sides of a region
MOST_REGIONS = 8  # of an image that are looked at one by one


class View(NamedTuple):
    """What an attacker looks at."""

    name: str
    prefix: str  # of the names of its attacks and of what they found
    look: Change
    shows: Callable[[str], bool]  # whether there is anything to look at, by path relative to the data set
    roles: Roles | None = None  # of the images of known people that it shows; None where too few are known


def make_views(target: Target, people: People) -> list[View]:
    """Return the view of whole images; and of main regions, where images in train and in test have regions."""
    size, boxes, acting = target.params.attack.image_size, target.boxes, target.acting
    views = [View("images", "", lambda image, _: resize_image(image, (size, size)), lambda _: True)]
    if all(any(path.startswith(f"{split}/") for path in boxes) for split in SPLITS):
        views.append(View("regions", REGION, partial(_look_at_main, boxes, acting, size), boxes.__contains__))
    return [view._replace(roles=_roles(target, view, people)) for view in views]


def label_views(target: Target, people: People) -> dict[str, View]:
    """Return, by label, the views of its largest region, where that is not always the main one."""
    size, views = target.params.attack.image_size, {}
    for label in sorted({box.label for boxes in target.boxes.values() for box in boxes}):
        own = with_labels(target.boxes, [label])
        if all(main_region(boxes).label == label for boxes in target.boxes.values()):
            continue
        view = View(f"regions_{label}", REGION, partial(_look_at_main, own, target.acting, size), own.__contains__)
        roles = _roles(target, view, people)
        if roles:
            views[label] = view._replace(roles=roles)
    return views


def surroundings_view(target: Target, people: People) -> dict[str, View]:
    """Return the view of what is around the main region, grey where a variant acted; none where it acts elsewhere."""
    if target.acting.where != "regions":
        return {}
    boxes, acting, size = target.boxes, target.acting, target.params.attack.image_size

    def look(image: np.ndarray, path: str) -> np.ndarray:
        box = published_box(main_region(boxes[path]), image.shape[:2], acting)
        mask = region_mask(image.shape[:2], box, acting)
        seen = image.copy()
        seen[mask.rows, mask.columns][mask.weights > 0] = GREY
        x, y = box.x - (SURROUNDINGS - 1) * box.width // 2, box.y - (SURROUNDINGS - 1) * box.height // 2
        wide = box._replace(x=x, y=y, width=SURROUNDINGS * box.width, height=SURROUNDINGS * box.height)
        return square_crop(seen, wide, size)

    view = View("surroundings", REGION, look, boxes.__contains__)
    roles = _roles(target, view, people)
    return {"surroundings": view._replace(roles=roles)} if roles else {}


def crops_of_several(target: Target, paths: list[str]) -> dict[str, np.ndarray]:
    """Return, of images with several regions of the main one's label, what each shows, (n, size, size, 3)."""
    size, several = target.params.attack.image_size, {}
    for path in paths:
        main = main_region(target.boxes[path])
        boxes = [box for box in target.boxes[path] if box.label == main.label]
        several[path] = sorted(boxes, key=lambda box: -box.area)[:MOST_REGIONS]
    several = {path: boxes for path, boxes in several.items() if len(boxes) > 1}

    def look(path: str) -> np.ndarray:
        image = target.images.image(path)
        return np.stack([_look_at_main({path: [box]}, target.acting, size, image, path) for box in several[path]])

    return dict(zip(several, map_ordered(look, list(several), total=len(several), label="regions"), strict=True))


def _look_at_main(boxes: dict[str, list[Box]], acting: Acting, size: int, image: np.ndarray, path: str) -> np.ndarray:
    # Where the variant acted, as the box itself is not published. Stretched, as its sides would tell people apart.
    box = published_box(main_region(boxes[path]), image.shape[:2], acting)
    return resize_image(image[around(box, image.shape[:2])], (size, size))


def face_view(target: Target, view: View, recognizer: Recognizer) -> View:
    """Return what a recognizer makes of a view's faces, in each framing; where people are known, of theirs alone."""
    boxes, acting = target.boxes, target.acting

    def look(image: np.ndarray, path: str) -> np.ndarray:
        height, width = image.shape[:2]
        box = Box(0, 0, width, height)
        if view.prefix:
            box = published_box(main_region(boxes[path]), (height, width), acting)
        return recognizer.embed(frame_face(image, box, recognizer.size))

    return view._replace(name="faces", look=look, shows=(lambda _: False) if view.roles else view.shows)


def gather(target: Target, view: View, splits: dict[str, list[str]], change: Change | None = None) -> Evidence:
    """Read the images that an attacker holds, or is asked about.

    They are those of known people and, up to `attack.identity_images` of each split, others. An anonymized image may be
    changed, for instance restored, before it is looked at.
    """

    def photos(split: str, people: dict[str, int]) -> Photos:
        paths = [f"{split}/{path}" for path in people]
        raw = _look_at(target.raw, view, paths)
        anonymized = raw if target.name == RAW else _look_at(target.images, view, paths, change)
        return Photos(raw, anonymized, np.fromiter(people.values(), int))

    train, enrolled, test = choose_images(target, view, splits)
    return Evidence(photos("train", train), photos("test", enrolled), photos("test", test), target.params.attack.seed)


def choose_images(target: Target, view: View, splits: dict[str, list[str]]) -> tuple[dict[str, int], ...]:
    """Return who is in the images of train, of the references and of test that `gather` reads, by path in the split."""
    learned, enrolled, asked = view.roles[:3] if view.roles else ({}, {}, {})
    most, seed = target.params.attack.identity_images, target.params.attack.seed

    def fill(split: str, people: dict[str, int]) -> dict[str, int]:
        taken = people.keys() | (enrolled.keys() if split == "test" else set())
        unknown = [path for path in splits[split] if path not in taken and view.shows(f"{split}/{path}")]
        unknown.sort(key=lambda path: order_key(seed, path))
        return people | dict.fromkeys(unknown[: max(0, most - len(people))], UNKNOWN)

    return fill("train", learned), enrolled, fill("test", asked)


def _roles(target: Target, view: View, people: People) -> Roles | None:
    train, test = (
        {path: person for path, person in known.items() if view.shows(f"{split}/{path}")}
        for split, known in people._asdict().items()
    )
    return assign_roles(train, test, most_images=target.params.attack.identity_images, seed=target.params.attack.seed)


def _look_at(dataset: Dataset, view: View, paths: list[str], change: Change | None = None) -> np.ndarray:
    show = view.look  # without the roles, of which workers of a cluster have no need

    def look(path: str) -> np.ndarray:
        image = dataset.image(path)
        return show(image if change is None else change(image, path), path)

    images = map_ordered(look, paths, total=len(paths), label=f"{dataset.folder.name} {view.name}")
    return np.stack(list(images)) if paths else np.empty((0, 1, 1, 3), np.uint8)
