"""Finds faces, and whole people, in an image, with the detectors that `regions.detector` names."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from stages.core.boxes import FACE, PERSON, Box
from stages.core.images import resize_image
from stages.core.params import RegionParams
from stages.core.params.detectors import CENTERFACE, MTCNN, centerface_model
from stages.core.store import digest_of
from stages.regions.centerface import is_centerface, load_centerface
from stages.regions.matching import merge_boxes
from stages.regions.yolox import is_yolox, load_yolox
from stages.regions.yunet import load_yunet

# CenterFace misses large faces: it looks once more at a copy with this longer side, for faces from this side on.
_NEAR, _NEAR_FACE = 500, 100  # pixels
Detector = Callable[[np.ndarray], list[Box]]


def load_detector(params: RegionParams) -> Detector:
    """Load what finds faces and people on any thread: the first detector's, best first, joined with the others'."""
    looks = [(*_load(name, params), params.max_side) for name in params.detector]
    near = [_model_file(name) for name in params.detector if name != MTCNN and is_centerface(_model_file(name))]
    near_looks = [(load_centerface(model, _NEAR_FACE, params.threshold.centerface), FACE, _NEAR) for model in near]

    def detect(image: np.ndarray) -> list[Box]:
        sides = np.array(image.shape[:2])
        whole = Box(0, 0, int(sides[1]), int(sides[0]))
        found: list[Box] = []
        for find, label, max_side in looks + (near_looks if sides.max() > _NEAR else []):
            scale = 1 if max_side is None else min(1, max_side / sides.max())
            seen = resize_image(image, (max(1, round(sides[0] * scale)), max(1, round(sides[1] * scale))))
            boxes = [_box(place, label, sides / seen.shape[:2]) for place in find(seen)]
            found, _ = merge_boxes(found, [box for box in boxes if box.overlap(whole) > 0])
        return found

    return _Loaded(detect, params)


def settings_of(params: RegionParams) -> list:
    """Return all that boxes of an image depend on besides its pixels, the code and the machine."""
    models = [version(name) if name == MTCNN else digest_of([_model_file(name)]) for name in params.detector]
    return [models, params.threshold.model_dump(), params.smallest_face, params.max_side]


class _Loaded:
    """Detectors of which a worker of a cluster gets the settings alone, and loads them itself."""

    def __init__(self, detect: Detector, params: RegionParams):
        self._detect, self._params = detect, params

    def __call__(self, image: np.ndarray) -> list[Box]:
        return self._detect(image)

    def __reduce__(self) -> tuple:
        return load_detector, (self._params,)


def _load(name: str, params: RegionParams) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """Return a detector, and the label of what it finds."""
    if name == MTCNN:
        # TensorFlow takes seconds to import.
        from stages.regions.mtcnn import load_mtcnn

        return load_mtcnn(params.smallest_face, params.threshold.mtcnn), FACE
    file = _model_file(name)
    if is_centerface(file):
        return load_centerface(file, params.smallest_face, params.threshold.centerface), FACE
    if is_yolox(file):
        return load_yolox(file, params.threshold.yolox), PERSON
    return load_yunet(file, params.smallest_face, params.threshold.yunet), FACE


def _model_file(name: str) -> Path:
    return (centerface_model() if name == CENTERFACE else None) or Path(name)


def _box(place: np.ndarray, label: str, factors: np.ndarray) -> Box:
    left, top = np.floor(place[0:2] * factors[::-1]).astype(int).tolist()
    right, bottom = np.ceil(place[2:4] * factors[::-1]).astype(int).tolist()
    return Box(left, top, right - left, bottom - top, label, float(place[4]))
