"""Finds the faces in an image, with the detector that `regions.detector` names."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from stages.core.boxes import Box
from stages.core.images import resize_image
from stages.core.params import RegionParams

LABEL = "face"
Detector = Callable[[np.ndarray], list[Box]]


def load_detector(params: RegionParams) -> Detector:
    """Load the detector.

    Parameters
    ----------
    params : RegionParams
        Which one, at what size it looks at an image, and what counts as a face.

    Returns
    -------
    callable
        Takes an image, (height, width, 3) uint8, RGB, on any thread, and returns its faces, best first, as boxes in
        pixels of that image, rounded outward.

    Raises
    ------
    PipelineError
        If the file that `regions.detector` names is no model of a detector.
    """
    # TensorFlow takes seconds to import.
    if params.detector == "mtcnn":
        from stages.regions.mtcnn import load_mtcnn

        find = load_mtcnn(params.smallest_face, params.threshold)
    else:
        from stages.regions.yunet import load_yunet

        find = load_yunet(Path(params.detector), params.smallest_face, params.threshold)

    def detect(image: np.ndarray) -> list[Box]:
        sides = np.array(image.shape[:2])
        scale = 1 if params.max_side is None else min(1, params.max_side / sides.max())
        seen = resize_image(image, (max(1, round(sides[0] * scale)), max(1, round(sides[1] * scale))))
        boxes = (_box(face, sides / seen.shape[:2]) for face in find(seen))
        return [box for box in boxes if box.overlap(Box(0, 0, int(sides[1]), int(sides[0]))) > 0]

    return _Loaded(detect, params)


class _Loaded:
    """A detector of which a worker of a cluster gets the settings alone, and loads it itself."""

    def __init__(self, detect: Detector, params: RegionParams):
        self._detect, self._params = detect, params

    def __call__(self, image: np.ndarray) -> list[Box]:
        return self._detect(image)

    def __reduce__(self) -> tuple:
        return load_detector, (self._params,)


def _box(face: np.ndarray, factors: np.ndarray) -> Box:
    left, top = np.floor(face[0:2] * factors[::-1]).astype(int).tolist()
    right, bottom = np.ceil(face[2:4] * factors[::-1]).astype(int).tolist()
    return Box(left, top, right - left, bottom - top, LABEL, float(face[4]))
