"""The ways in which attackers look at a data set, whole or cut to the main regions, and the images that they hold."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from stages.attacks.recognition import Recognizer
from stages.attacks.roles import Roles, assign_roles
from stages.core.boxes import REGION, Box, with_labels
from stages.core.images import SPLITS, resize_image
from stages.core.parallel import map_ordered
from stages.core.params import Acting
from stages.core.people import People
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


def views_beside(target: Target, people: People) -> dict[str, View]:
    """Return, by attacker, views of a label's largest region, if not always the main one, and of the surroundings."""
    size, boxes, acting = target.params.attack.image_size, target.boxes, target.acting
    views = {}
    for label in sorted({box.label for found in boxes.values() for box in found}):
        if any(main_region(found).label != label for found in boxes.values()):
            own = with_labels(boxes, [label])
            look = partial(_look_at_main, own, acting, size)
            views[f"informed_{label or 'unlabelled'}"] = View(f"regions_{label}", REGION, look, own.__contains__)
    if acting.where == "regions":  # grey where the variant acted
        look = partial(_look_around_main, boxes, acting, size)
        views["surroundings"] = View("surroundings", REGION, look, boxes.__contains__)
    views = {name: view._replace(roles=_roles(target, view, people)) for name, view in views.items()}
    return {name: view for name, view in views.items() if view.roles}


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


def _look_around_main(
    boxes: dict[str, list[Box]], acting: Acting, size: int, image: np.ndarray, path: str
) -> np.ndarray:
    box = published_box(main_region(boxes[path]), image.shape[:2], acting)
    mask = region_mask(image.shape[:2], box, acting)
    seen = image.copy()
    seen[mask.rows, mask.columns][mask.weights > 0] = GREY
    x, y = box.x - (SURROUNDINGS - 1) * box.width // 2, box.y - (SURROUNDINGS - 1) * box.height // 2
    wide = box._replace(x=x, y=y, width=SURROUNDINGS * box.width, height=SURROUNDINGS * box.height)
    return square_crop(seen, wide, size)


def face_view(target: Target, view: View, recognizer: Recognizer) -> View:
    """Return what a recognizer makes of a view's faces, in each framing; where people are known, of theirs alone."""
    boxes, acting = target.boxes, target.acting

    def look(image: np.ndarray, path: str) -> np.ndarray:
        height, width = image.shape[:2]
        box = Box(0, 0, width, height)
        if view.prefix:
            box = published_box(main_region(boxes[path]), (height, width), acting)
        return recognizer.embed(frame_face(image, box, recognizer.size))

    # Where nobody is known, no image of train is needed.
    shows = (lambda path: path.startswith("test/") and view.shows(path)) if not view.roles else lambda _: False
    return view._replace(name="faces", look=look, shows=shows)


def _roles(target: Target, view: View, people: People) -> Roles | None:
    train, test = (
        {path: person for path, person in known.items() if view.shows(f"{split}/{path}")}
        for split, known in people._asdict().items()
    )
    return assign_roles(train, test, most_images=target.params.attack.identity_images, seed=target.params.attack.seed)
