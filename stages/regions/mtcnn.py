"""MTCNN: three networks in a row propose, refine and confirm faces, with the weights of the package `mtcnn`.

The package's own cascade is not used: it takes any error of TensorFlow for an image without faces, finds large
faces only if the smallest one is 20 pixels, holds every pair of candidates in memory, and takes three times as long.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np

from stages.core.boxes import Box
from stages.core.errors import hold_back_errors
from stages.network.runtime import start_tensorflow, tf

_WINDOW = 12  # pixels: side of the faces that the first network knows
_MARGIN = 3  # pixels by which its window may reach beyond the image, to find faces that the border cuts
_STEP = 0.709  # from one scale to the next; with the thresholds, of the paper's authors
_PROPOSED, _REFINED = 0.6, 0.7  # scores from which candidates go on to the second network, and to the third one
_MOST_PROPOSALS = 5000  # at a scale, the best ones; with _BATCH, what bounds the memory
_BATCH = 512  # candidates that a network looks at together
_LOOKS = 3  # at one face, each where the one before saw it
_COLUMNS = 6  # of a table of candidates: number of the image, left, top, right, bottom, score


def load_mtcnn(smallest_face: int, threshold: float) -> Callable[[np.ndarray], np.ndarray]:
    """Load the networks.

    They run on the processor, on any number of threads at once, and look at one image at a time, so that what is found
    in an image does not depend on the others.

    References
    ----------
    Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks",
    IEEE Signal Processing Letters 23(10), 2016.
    """
    start_tensorflow("float32")
    with hold_back_errors():
        from mtcnn.stages import StageONet, StagePNet, StageRNet
        from mtcnn.utils.bboxes import smart_nms_from_bboxes
    networks = (
        _load(StagePNet, "pnet.lz4", (1, None, None, 3)),
        _load(StageRNet, "rnet.lz4", (None, 24, 24, 3)),
        _load(StageONet, "onet.lz4", (None, 48, 48, 3)),
    )

    def find(image: np.ndarray) -> np.ndarray:
        normalized = (image - np.float32(127.5)) / np.float32(128)
        faces = _propose(networks[0], normalized, _WINDOW / smallest_face)
        faces = _suppress(_refine(networks[1], normalized, faces, 24, _REFINED), 0.7)
        faces = _refine(networks[2], normalized, faces, 48, threshold)
        # And faces that lie mostly within a better one.
        return smart_nms_from_bboxes(faces, 0.7, method="min")[:, 1:]

    return find


@cache
def load_landmarks() -> Callable[[np.ndarray, Box], np.ndarray]:
    """Load the third network alone, for the eyes and the corners of the mouth of the face in a box.

    It answers for every box, however little of a face is left there: (4, 2) float, left ones of the image first.
    """
    start_tensorflow("float32")
    with hold_back_errors():
        from mtcnn.stages import StageONet
        from mtcnn.utils.bboxes import adjust_bboxes, resize_to_square
        from mtcnn.utils.images import extract_patches
        from mtcnn.utils.landmarks import adjust_landmarks
    network = _load(StageONet, "onet.lz4", (None, 48, 48, 3))

    def find(image: np.ndarray, box: Box) -> np.ndarray:
        normalized = (image - np.float32(127.5)) / np.float32(128)
        face = np.array([[0.0, box.x, box.y, box.x + box.width, box.y + box.height, 1]])
        for _ in range(_LOOKS):
            square = resize_to_square(face)
            offsets, points, _ = network(extract_patches(normalized[np.newaxis], square, (48, 48)))
            face = adjust_bboxes(square, offsets.numpy())
        return adjust_landmarks(points, square).reshape(2, 5).T[[0, 1, 3, 4]]

    return find


def _load(stage: Any, name: str, shape: tuple[int | None, ...]) -> Callable[[np.ndarray], Any]:
    # Of a bare name, the package would prefer a file in the working folder, and would run code that is in it.
    weights = files("mtcnn.assets.weights") / name
    with tf.device("CPU:0"):
        model = stage(weights=str(weights)).model

        # One graph for all sizes of images. Layer by layer takes three times as long.
        graph = tf.function(model).get_concrete_function(tf.TensorSpec(shape))

    def run(inputs: np.ndarray) -> Any:
        with tf.device("CPU:0"):
            return graph(tf.constant(inputs))

    return run


def _propose(network: Callable, image: np.ndarray, scale: float) -> np.ndarray:
    from mtcnn.utils.bboxes import generate_bounding_box

    found = [np.empty((0, _COLUMNS))]
    while min(image.shape[:2]) * scale >= _WINDOW - 2 * _MARGIN:
        size = [round(side * scale) for side in image.shape[1::-1]]
        scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        padded = cv2.copyMakeBorder(scaled, *[_MARGIN] * 4, cv2.BORDER_CONSTANT)
        offsets, scores = network(padded[np.newaxis])
        candidates = generate_bounding_box(offsets, scores, _PROPOSED)
        candidates[:, 1:5] = (candidates[:, 1:5] - _MARGIN) / scale
        found.append(_suppress(candidates, 0.5))
        scale *= _STEP
    return _suppress(np.concatenate(found), 0.7)


def _refine(network: Callable, image: np.ndarray, faces: np.ndarray, side: int, threshold: float) -> np.ndarray:
    from mtcnn.utils.bboxes import adjust_bboxes, resize_to_square
    from mtcnn.utils.images import extract_patches

    squares = resize_to_square(faces)
    refined = [np.empty((0, _COLUMNS))]
    for start in range(0, len(squares), _BATCH):
        batch = squares[start : start + _BATCH]
        outputs = network(extract_patches(image[np.newaxis], batch, (side, side)))
        batch = adjust_bboxes(batch, outputs[0].numpy())
        batch[:, 5] = outputs[-1].numpy()[:, 1]
        refined.append(batch[batch[:, 5] >= threshold])
    return np.concatenate(refined)


def _suppress(faces: np.ndarray, overlap: float) -> np.ndarray:
    """Leave out each candidate that overlaps a better one, and sort the others, best first."""
    corners = np.column_stack([faces[:, 1:3], faces[:, 3:5] - faces[:, 1:3]])
    kept = cv2.dnn.NMSBoxes(corners, faces[:, 5], 0, overlap, 1, _MOST_PROPOSALS)
    return faces[np.array(kept, int)]
