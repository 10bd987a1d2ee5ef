"""Finds faces, and whole people, in an image, with the detectors that `regions.detector` names.

What they found in an image is kept under a key of all that it depends on, so that they see each image once: in
`data/.partial/`, neither git's nor DVC's. Without it, all is detected anew, the same.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.core.boxes import FACE, PERSON, Box
from stages.core.images import resize_image
from stages.core.params import RegionParams
from stages.core.params.detectors import CENTERFACE, MTCNN, centerface_model
from stages.core.paths import FOUND_BOXES
from stages.core.store import digest_of, key_of, private_folder, read_state, write_state
from stages.regions.matching import merge_boxes
from stages.regions.opencv import YOLOX, Find, kind_of, load_centerface, load_yolox, load_yunet

# CenterFace misses large faces: it looks once more at a copy with this longer side, for faces from this side on.
_NEAR, _NEAR_FACE = 500, 100  # pixels
_CODE = ("core/boxes.py", "core/images.py", "network/runtime.py") + tuple(
    f"regions/{name}.py" for name in ("detectors", "matching", "mtcnn", "opencv")
)
Detector = Callable[[np.ndarray], list[Box]]


class _Look(NamedTuple):
    """How an image is looked at."""

    find: Find
    label: str  # of what is found
    max_side: int | None
    beyond: int = 0  # only images with a longer side


class _Detectors:
    """Detectors of which a worker of a cluster gets the settings alone, and loads them itself."""

    def __init__(self, params: RegionParams):
        looks = [look for name in params.detector for look in _load(name, params)]
        self._params, self._looks = params, sorted(looks, key=lambda look: look.beyond)

    def __call__(self, image: np.ndarray) -> list[Box]:
        sides = np.array(image.shape[:2])
        whole = Box(0, 0, int(sides[1]), int(sides[0]))
        found: list[Box] = []
        for find, label, max_side, beyond in self._looks:
            if sides.max() > beyond:
                scale = 1 if max_side is None else min(1, max_side / sides.max())
                seen = resize_image(image, (max(1, round(sides[0] * scale)), max(1, round(sides[1] * scale))))
                boxes = [_box(place, label, sides / seen.shape[:2]) for place in find(seen)]
                found, _ = merge_boxes(found, [box for box in boxes if box.overlap(whole) > 0])
        return found

    def __reduce__(self) -> tuple:
        return _Detectors, (self._params,)


def load_detector(params: RegionParams) -> Detector:
    """Load what finds faces and people on any thread: the first detector's, best first, joined with the others'."""
    return _Detectors(params)


def settings_of(params: RegionParams) -> list:
    """Return all that boxes of an image depend on besides its pixels, the code and the machine."""
    models = [version(name) if name == MTCNN else digest_of([_model_file(name)]) for name in params.detector]
    return [models, params.threshold.model_dump(), params.smallest_face, params.max_side]


def _load(name: str, params: RegionParams) -> list[_Look]:
    smallest, threshold = params.smallest_face, params.threshold
    if name == MTCNN:
        # TensorFlow takes seconds to import.
        from stages.regions.mtcnn import load_mtcnn

        return [_Look(load_mtcnn(smallest, threshold.mtcnn), FACE, params.max_side)]
    file = _model_file(name)
    kind = kind_of(file)
    if kind == YOLOX:
        return [_Look(load_yolox(file, threshold.yolox), PERSON, params.max_side)]
    if kind != CENTERFACE:
        return [_Look(load_yunet(file, smallest, threshold.yunet), FACE, params.max_side)]
    near = _Look(load_centerface(file, _NEAR_FACE, threshold.centerface), FACE, _NEAR, beyond=_NEAR)
    return [_Look(load_centerface(file, smallest, threshold.centerface), FACE, params.max_side), near]


def _model_file(name: str) -> Path:
    return (centerface_model() if name == CENTERFACE else None) or Path(name)


def _box(place: np.ndarray, label: str, factors: np.ndarray) -> Box:
    left, top = np.floor(place[0:2] * factors[::-1]).astype(int).tolist()
    right, bottom = np.ceil(place[2:4] * factors[::-1]).astype(int).tolist()
    return Box(left, top, right - left, bottom - top, label, float(place[4]))


class FoundBoxes:
    """What detectors found, in this run and in all before it."""

    def __init__(self, params: RegionParams):
        self._settings = key_of(_CODE, settings_of(params)).encode()
        private_folder(FOUND_BOXES)

    def read(self, encoded: bytes) -> list[Box] | None:
        """Return the boxes of an image; None if no detector saw it."""
        rows = read_state(self._file(encoded))
        return None if rows is None else [Box(*row) for row in rows]

    def keep(self, encoded: bytes, boxes: list[Box]) -> None:
        """Keep the boxes of an image, even if the work is stopped after that."""
        with suppress(OSError):
            file = self._file(encoded)
            file.parent.mkdir(exist_ok=True)
            write_state(file, boxes)

    def _file(self, encoded: bytes) -> Path:
        key = hashlib.sha256(self._settings + encoded).hexdigest()
        return FOUND_BOXES / key[:2] / f"{key[2:]}.json"
