"""YOLOX, a network that finds whole people among other things; OpenCV runs it, from a file that the user fetches."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from stages.core.errors import hold_back_errors

_SIDE, _STEPS = 640, (8, 16, 32)  # pixels: of what it looks at, and between the places at which it looks
_BORDER = 114.0  # grey level around an image, as in its training
_OVERLAP = 0.5  # of which the worse of two people is left out, as its authors set it
_OBJECT, _PERSON, _LENGTH = 4, 5, 85  # in what it says of a place: four of the box, then scores


def is_yolox(file: Path) -> bool:
    """Tell by what it answers whether a file is the model."""
    with hold_back_errors(), suppress(cv2.error):
        network = cv2.dnn.readNetFromONNX(np.fromfile(file, np.uint8))
        if len(network.getUnconnectedOutLayersNames()) == 1:
            network.setInput(np.zeros((1, 3, _SIDE, _SIDE), np.float32))
            return network.forward().shape == (1, len(_places()[0]), _LENGTH)
    return False


def load_yolox(file: Path, threshold: float) -> Callable[[np.ndarray], np.ndarray]:
    """Load the network.

    The model is `object_detection_yolox_2022nov.onnx` of github.com/opencv/opencv_zoo, 35,858,002 bytes, SHA-256
    c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063, under the Apache License 2.0.

    References
    ----------
    Ge, Liu, Wang, Li, Sun: "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430.
    """
    model = np.fromfile(file, np.uint8)
    own = threading.local()  # a network may be used by one thread at a time

    def find(image: np.ndarray) -> np.ndarray:
        if not hasattr(own, "network"):
            own.network = cv2.dnn.readNetFromONNX(model)
        scale = _SIDE / max(image.shape[:2])
        height, width = (max(1, int(side * scale)) for side in image.shape[:2])
        seen = np.full((_SIDE, _SIDE, 3), _BORDER, np.float32)
        seen[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        own.network.setInput(np.ascontiguousarray(seen.transpose(2, 0, 1)[None]))
        people = _decode(own.network.forward()[0], threshold)
        people[:, :4] /= scale
        return people

    return find


def _places() -> tuple[np.ndarray, np.ndarray]:
    """Return where it looks, (n, 2) in steps from the left and the top, and each place's step in pixels, (n, 1)."""
    grids = [np.indices((_SIDE // step, _SIDE // step))[::-1].reshape(2, -1).T for step in _STEPS]
    steps = [np.full((len(grid), 1), step) for grid, step in zip(grids, _STEPS, strict=True)]
    return np.concatenate(grids), np.concatenate(steps)


def _decode(outputs: np.ndarray, threshold: float) -> np.ndarray:
    scores = outputs[:, _OBJECT].astype(float) * outputs[:, _PERSON]
    chosen = scores >= threshold
    places, steps = (part[chosen] for part in _places())
    outputs = outputs[chosen].astype(float)
    centres, halves = (outputs[:, :2] + places) * steps, np.exp(outputs[:, 2:4]) * steps / 2
    kept = cv2.dnn.NMSBoxes(np.hstack([centres - halves, 2 * halves]), scores[chosen], 0, _OVERLAP)
    return np.column_stack([centres - halves, centres + halves, scores[chosen]])[np.array(kept, int)]
