"""Shows faces as recognizers want them: cut square, and turned and scaled by their eyes and mouth."""

import threading

import cv2
import numpy as np

from stages.core.boxes import Box
from stages.regions.crops import GREY, square_crop

# Where the eyes and the corners of the mouth lie, left ones of the image first, in shares of the side. ArcFace's
# (SFace's and MobileFaceNet's too), of insightface's `arcface_dst`; and dlib's, of its 68 points' means in
# `get_face_chip_details`, with the border of a quarter for which its recognizer was trained.
ARCFACE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [41.5493, 92.3655], [70.7299, 92.2041]]) / 112
DLIB = (np.array([[0.2255, 0.2160], [0.7548, 0.2160], [0.2541, 0.7802], [0.7261, 0.7802]]) + 0.25) / 1.5

_LOADING = threading.Lock()


def frame_face(image: np.ndarray, box: Box, size: int) -> np.ndarray:
    """Return the face in a box as recognizers may want it, (3, size, size, 3): in a square, ArcFace's way, dlib's way.

    The points are found in the image itself, so that of an anonymized face nothing else is known.
    """
    around = Box(box.x - box.width // 2, box.y - box.height // 2, 2 * box.width, 2 * box.height)
    wide = square_crop(image, around, 2 * size)  # so that it costs as much whatever the face's size
    with _LOADING:
        # TensorFlow takes seconds to import.
        from stages.regions.mtcnn import load_landmarks

        find = load_landmarks()
    points = find(wide, Box(size // 2, size // 2, size, size))
    aligned = [align(wide, points, size * template, size) for template in (ARCFACE, DLIB)]
    return np.stack([square_crop(image, box, size), *aligned])


def align(image: np.ndarray, points: np.ndarray, targets: np.ndarray, size: int) -> np.ndarray:
    """Move, turn and scale an image so that points, (n, 2), come to lie as near to others as they can.

    Examples
    --------
    >>> image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1).repeat(3, axis=2)
    >>> corners = np.array([[0, 0], [2, 0], [0, 2], [2, 2]])
    >>> align(image, corners, corners[[1, 3, 0, 2]], 3)[..., 0]
    array([[ 8,  4,  0],
           [ 9,  5,  1],
           [10,  6,  2]], dtype=uint8)
    """
    # A similarity of the plane is z -> factor z + shift of complex numbers; of least squares, these.
    start, end = points @ [1, 1j], targets @ [1, 1j]
    spread = start - start.mean()
    factor = (spread.conj() @ (end - end.mean())) / max((spread.conj() @ spread).real, np.finfo(float).tiny)
    shift = end.mean() - factor * start.mean()
    matrix = np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(GREY,) * 3)
