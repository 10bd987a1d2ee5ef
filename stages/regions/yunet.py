"""YuNet, a small face detector that OpenCV runs, from a model file that the user fetches."""

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from stages.core.errors import PipelineError, hold_back_errors, printable

_OVERLAP = 0.3  # of which the worse of two faces is left out, and the most faces before that: as OpenCV sets them
_MOST_FACES = 5000


def load_yunet(file: Path, smallest_face: int, threshold: float) -> Callable[[np.ndarray], np.ndarray]:
    """Load the network.

    The model is `face_detection_yunet_2023mar.onnx` of github.com/opencv/opencv_zoo, 232,589 bytes, SHA-256
    8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4. It knows faces of about 10 to 300 pixels.

    References
    ----------
    Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20, 2023.
    """
    model = np.fromfile(file, np.uint8)
    own = threading.local()  # a detector may be used by one thread at a time

    def find(image: np.ndarray) -> np.ndarray:
        if not hasattr(own, "detector"):
            none = np.empty(0, np.uint8)
            own.detector = cv2.FaceDetectorYN.create("onnx", model, none, (32, 32), threshold, _OVERLAP, _MOST_FACES)
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
