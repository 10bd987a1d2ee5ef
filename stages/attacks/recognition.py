"""Recognizes people by a face recognizer that was trained on others: the attack of a stranger."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np

from stages.attacks._learning.ranks import ranks_of, true_positive_rate
from stages.attacks.evidence import Evidence
from stages.attacks.operating_points import MOST_PAIRS
from stages.attacks.pooling import Distances
from stages.core.errors import hold_back_errors

CHUNK = 256  # probes that are compared at once
DECIMALS = 9  # of a cosine: two that agree in these are equal
PLANES, PIXELS = (2, 0, 1), (0, 1, 2)  # orders of rows, columns and colours that networks take


def recognition(evidence: Evidence) -> tuple[dict[str, float], dict[str, Distances]]:
    """Recognize the people in anonymized test images among known people.

    Faces are compared by the mean cosine over all framings, unless one framing alone names clearly more of the
    gallery's own faces, anonymized, each by the others: by two standard errors.

    In place of images, `evidence` holds what `Recognizer.embed` makes of a face in several framings: (n, framings,
    length). The gallery consists of training images and references of known people, raw; and anonymized alike. Where
    nobody is known, it consists of the originals of the test images, each a person of its own.

    Returns
    -------
    found : dict of str to float
        ``accuracy``, the share of test images whose nearest face in the gallery shows the same person; ``tpr_at_fpr1``,
        the share of pairs of one person that are accepted while at most 1 % of the others are, if there are pairs of
        both kinds; both with ``alike_`` in front where the gallery is anonymized alike; and ``chance``, the accuracy of
        guessing.
    names : dict of str to Distances
        Of the test images of known people to each person in the gallery, raw (``recognizer``) or anonymized alike
        (``recognizer_alike``); where nobody is known, of all test images to each original.
    """
    test = evidence.test.known()
    if len(test.people):
        known = [photos for photos in (evidence.train.known(), evidence.references.known()) if len(photos.people)]
        raw, alike, people = (np.concatenate(parts) for parts in zip(*known, strict=True))
        galleries = {"": raw} if evidence.train.anonymized is evidence.train.raw else {"": raw, "alike": alike}
    else:
        test = evidence.test._replace(people=np.arange(len(evidence.test.people)))
        alike, people, galleries = test.raw, test.people, {"": test.raw}
    row = {"chance": 1 / len(np.unique(people))}
    names: dict[str, Distances] = {}
    for kind, gallery in galleries.items():
        chosen = _choose_framings(alike, gallery, people)
        probes, points = _joined(test.anonymized, chosen), _joined(gallery, chosen)
        found = compare_faces(probes, points, people)
        row[f"{kind}_accuracy".removeprefix("_")] = _accuracy(found, test.people)
        rate = true_accept_rate(probes, points, test.people, people)
        if rate is not None:
            row[f"{kind}_tpr_at_fpr1".removeprefix("_")] = rate
        names[f"recognizer_{kind}".removesuffix("_")] = found
    return row, names


def _choose_framings(probes: np.ndarray, gallery: np.ndarray, people: np.ndarray) -> list[int]:
    """Choose all framings, or the one that names clearly more faces of a gallery by the others of it."""

    def named(chosen: list[int]) -> float:
        return _accuracy(
            compare_faces(_joined(probes, chosen), _joined(gallery, chosen), people, are_same=True), people
        )

    framings = list(range(gallery.shape[1]))
    shares = [named([framing]) for framing in framings]
    # A share of n images has a standard error of at most 0.5 / sqrt(n).
    clearly_more = named(framings) + 1 / np.sqrt(len(people))
    return [int(np.argmax(shares))] if max(shares) > clearly_more else framings


def _joined(points: np.ndarray, framings: list[int]) -> np.ndarray:
    """Join the points of some framings, (n, framings, length), so that products are the mean of theirs."""
    return points[:, framings].reshape(len(points), -1) / np.sqrt(len(framings))


class Recognizer:
    """A network that turns faces into points, near to each other for one person.

    SFace [1]_ is one: ``models/face_recognition_sface/face_recognition_sface_2021dec.onnx`` in
    https://github.com/opencv/opencv_zoo, 38,696,353 bytes, Apache License 2.0, SHA-256
    ``0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79``. The defaults are what it takes.

    `model` is an ONNX file that OpenCV can run: one input, 3 x `size` x `size` or `size` x `size` x 3, and one output,
    any number of values. It takes (value - `mean`) * `scale` of colours from 0 to 255 in the order of `channels`, "rgb"
    or "bgr"; three means are in that order. A `ValueError` says why a file is none.

    References
    ----------
    .. [1] Y. Zhong, W. Deng, J. Hu, D. Zhao, X. Li, D. Wen, "SFace: sigmoid-constrained hypersphere loss for robust
       face recognition", IEEE Transactions on Image Processing 30, 2021.
    """

    def __init__(
        self,
        model: bytes,
        *,
        size: int = 112,
        mean: float | Sequence[float] = 0,
        scale: float = 1,
        channels: str = "rgb",
    ) -> None:
        """Read the model, and try it."""
        self._made = partial(Recognizer, model, size=size, mean=mean, scale=scale, channels=channels)
        self.size, self._model = size, np.frombuffer(model, np.uint8)
        self._mean, self._scale = np.asarray(mean, np.float32), np.float32(scale)
        self._step = -1 if channels == "bgr" else 1
        with hold_back_errors():
            refusal = self._try(PLANES)
            is_usable = not refusal or not self._try(PIXELS)
        if not is_usable:
            raise ValueError(
                f"`model` must be an ONNX file that maps a coloured face of {size} x {size} pixels to one vector, such "
                f"as SFace. Received: {len(model)} bytes, {refusal}"
            )

    def _try(self, layout: tuple[int, ...]) -> str:
        """Try the network on noise and on a black face in a layout, and return why it cannot be used, if so."""
        self._layout, self._own = layout, threading.local()  # a network works on one face at a time
        noise = np.random.default_rng(0).integers(0, 256, (self.size, self.size, 3), np.uint8)
        try:
            outputs = [self._run(face) for face in (noise, 0 * noise)]
        except cv2.error as error:
            return f"of which OpenCV says: {' '.join(str(error.err).split())}"
        count, shape = len(self._own.network.getUnconnectedOutLayersNames()), outputs[0].shape
        self._length = outputs[0].size
        if count > 1 or not 1 < self._length == max(shape):
            return f"with {count} outputs, the first of shape {shape}"
        return "" if np.isfinite(outputs).all() else "whose output is not finite"

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a worker of a cluster read the model anew."""
        return self._made, ()

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Turn upright faces that fill most of their images, (n, size, size, 3) uint8 RGB, into points.

        The points, (n, length) float32, are of length 1: their products are the cosines of the angles between them.
        """
        points = np.array([self._run(face).ravel() for face in faces], float).reshape(len(faces), self._length)
        if not np.isfinite(points).all():
            raise ValueError("`model` must give finite values for every face. Received: some that are not")
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        return (points / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)

    def _run(self, face: np.ndarray) -> np.ndarray:
        if not hasattr(self._own, "network"):
            self._own.network = cv2.dnn.readNetFromONNX(self._model)
        values = (face[..., :: self._step] - self._mean) * self._scale
        self._own.network.setInput(np.ascontiguousarray(values.transpose(self._layout)[np.newaxis]))
        return self._own.network.forward().copy()


def compare_faces(probes: np.ndarray, gallery: np.ndarray, people: np.ndarray, *, are_same: bool = False) -> Distances:
    """Return how far each probe is from the nearest face of each person in a gallery: 1 minus the cosine.

    Both are faces from `Recognizer.embed`. If they `are_same`, made of the same images in one order, none is compared
    with itself.

    >>> gallery = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> compare_faces(gallery[1:2], gallery, np.array([7, 7, 8])).values
    array([[0. , 0.2]])
    """
    order = np.argsort(people, kind="stable")
    known, first = np.unique(people[order], return_index=True)
    values = np.empty((len(probes), len(known)))
    for start in range(0, len(probes), CHUNK):
        cosines = _cosines(probes[start : start + CHUNK], gallery)
        if are_same:
            cosines[np.arange(len(cosines)), start + np.arange(len(cosines))] = -1
        values[start : start + CHUNK] = 1 - np.maximum.reduceat(cosines[:, order], first, axis=1)
    return Distances(known, values)


def true_accept_rate(
    probes: np.ndarray, gallery: np.ndarray, probe_people: np.ndarray, gallery_people: np.ndarray
) -> float | None:
    """Return the share of pairs of one person that are accepted while at most 1 % of the others are.

    Of more than 4 million pairs, those of evenly spaced probes count. Without pairs of both kinds it is None.
    """
    count = min(len(probes), max(1, MOST_PAIRS // len(gallery)))
    drawn = np.linspace(0, len(probes) - 1, count).astype(int)
    same = (probe_people[drawn][:, None] == gallery_people).ravel()
    if same.all() or not same.any():
        return None
    return true_positive_rate(same, _cosines(probes[drawn], gallery))


def _cosines(probes: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    # Of points in single precision, some come out above 1.
    return np.minimum(np.round(probes.astype(float) @ gallery.T.astype(float), DECIMALS), 1)


def _accuracy(found: Distances, people: np.ndarray) -> float:
    """Return the share of faces whose own person is the nearest; one of k people who are as near counts 1 / k."""
    return float(ranks_of(found.values, np.searchsorted(found.people, people)).within(1).mean())
