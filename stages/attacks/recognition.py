"""Recognizes people by a face recognizer that was trained on others: the attack of a stranger."""

import threading
from typing import NamedTuple

import cv2
import numpy as np
from sklearn.metrics import roc_curve

from stages.attacks._learning.looks import scaled
from stages.attacks._learning.ranks import FALSE_POSITIVES
from stages.attacks.evidence import Evidence
from stages.attacks.operating_points import MOST_PAIRS
from stages.core.errors import hold_back_errors
from stages.core.parallel import map_bounded

CHUNK = 256  # probes that are compared at once
DECIMALS = 9  # of a cosine: two that agree in these are equal


def recognition(evidence: Evidence, recognizer: "Recognizer") -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Recognize the people in anonymized test images among known people.

    Parameters
    ----------
    evidence : Evidence
        Faces in several framings each, (n, framings, size, size, 3), the first one unaligned. The gallery is made of
        training images and references of known people, raw; and anonymized alike. Where nobody is known, it is made of
        the originals of the test images, each a person of its own.
    recognizer : Recognizer
        Trained on others.

    Returns
    -------
    found : dict of str to float
        ``accuracy``, the share of test images whose nearest face in the gallery is of the same person; ``tpr_at_fpr1``,
        the share of pairs of one person that are accepted while at most 1 % of the others are; and ``chance`` of the
        accuracy, what guessing gets. Before the first two comes ``alike_`` with the gallery anonymized alike, then
        ``aligned_`` by the mean cosine over all framings instead of the first one's. What cannot be had is absent.
    names : dict of str to ndarray of int, shape (n,)
        Who is in the nearest face, for each test image of a known person, or where nobody is known, for all; by what
        comes before the numbers, with ``_`` in front instead of at the end.
    """
    test = evidence.test.known()
    if len(test.people):
        known = [photos for photos in (evidence.train.known(), evidence.references.known()) if len(photos.people)]
        raw, alike, who = (np.concatenate(parts) for parts in zip(*known, strict=True))
        galleries = {"": raw} if evidence.train.anonymized is evidence.train.raw else {"": raw, "alike_": alike}
    else:
        test = evidence.test._replace(people=np.arange(len(evidence.test.people)))
        galleries, who = {"": test.raw}, test.people
    probes = recognizer.embed(test.anonymized)
    row: dict[str, float] = {}
    names: dict[str, np.ndarray] = {}
    for kind, gallery in galleries.items():
        points = recognizer.embed(gallery)
        for aligned, framings in (("", 1), ("aligned_", probes.shape[1])):
            found = recognize(_joined(probes, framings), _joined(points, framings), test.people, who)
            row |= {
                f"{kind}{aligned}accuracy": float(np.nanmean(found.named)),
                "chance": float(np.nanmean(found.chance)),
            }
            if found.true_accept_rate is not None:
                row[f"{kind}{aligned}tpr_at_fpr1"] = found.true_accept_rate
            names[f"_{kind}{aligned}".removesuffix("_")] = found.people
    return row, names


def _joined(points: np.ndarray, framings: int) -> np.ndarray:
    """Join the points of the first framings, (n, framings, length), so that products are the mean of theirs."""
    return points[:, :framings].reshape(len(points), -1) / np.sqrt(framings)


class Recognizer:
    """A network that turns faces into points, near to each other for one person.

    SFace [1]_ is one: ``models/face_recognition_sface/face_recognition_sface_2021dec.onnx`` in
    https://github.com/opencv/opencv_zoo, 38,696,353 bytes, Apache License 2.0, SHA-256
    ``0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79``. The defaults are what it takes.

    Parameters
    ----------
    model : bytes
        An ONNX file that OpenCV can run: one input, 3 x `size` x `size`, and one output, any number of values.
    size : int, default=112
        Side of a face, in pixels.
    mean, scale : float, default=0 and 1
        The network takes (value - `mean`) * `scale` of the colours, from 0 to 255.
    channels : {"rgb", "bgr"}, default="rgb"
        Their order.

    Raises
    ------
    ValueError
        If OpenCV cannot run it, or it gives anything but one vector.

    References
    ----------
    .. [1] Y. Zhong, W. Deng, J. Hu, D. Zhao, X. Li, D. Wen, "SFace: sigmoid-constrained hypersphere loss for robust
       face recognition", IEEE Transactions on Image Processing 30, 2021.
    """

    def __init__(
        self, model: bytes, *, size: int = 112, mean: float = 0, scale: float = 1, channels: str = "rgb"
    ) -> None:
        """Read the model, and try it on a black face."""
        self.size = size
        self._model = np.frombuffer(model, np.uint8)
        self._settings = {"scalefactor": scale, "mean": (mean,) * 3, "swapRB": channels == "bgr"}
        with hold_back_errors():
            try:
                network = self._network()
                output = self._run(network, np.zeros((size, size, 3), np.uint8))
                said = f"with {len(network.getUnconnectedOutLayersNames())} outputs, the first of shape {output.shape}"
            except cv2.error as error:
                output, said = np.empty(0), f"of which OpenCV says: {' '.join(str(error.err).split())}"
        self._length = output.size
        if not 1 < self._length == max(output.shape) or len(network.getUnconnectedOutLayersNames()) > 1:
            raise ValueError(
                f"`model` must be an ONNX file that maps a face of {size} x {size} pixels to a vector, such as SFace. "
                f"Received: {len(model)} bytes, {said}"
            )

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Turn faces into points.

        Parameters
        ----------
        faces : ndarray of uint8, shape (..., side, side, 3)
            RGB images of one face each, which fills most of it, upright.

        Returns
        -------
        ndarray of float32, shape (..., length)
            Of length 1 each: their products are the cosines of the angles between them.

        Raises
        ------
        ValueError
            If the shape or type is wrong.
        """
        if faces.ndim < 4 or faces.shape[-3] != faces.shape[-2] or faces.shape[-1] != 3 or faces.dtype != np.uint8:
            raise ValueError(
                "`faces` must be uint8 of shape (..., side, side, 3). "
                f"Received: {faces.dtype} of shape {tuple(faces.shape)}"
            )
        own = threading.local()  # a network works on one face at a time

        def point(face: np.ndarray) -> np.ndarray:
            if not hasattr(own, "network"):
                own.network = self._network()
            return self._run(own.network, scaled(face, self.size)).ravel().copy()

        found = map_bounded(point, faces.reshape(-1, *faces.shape[-3:]))
        points = np.stack([np.empty(self._length, np.float32), *found])[1:]
        points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return points.reshape(*faces.shape[:-3], self._length)

    def _network(self) -> cv2.dnn.Net:
        return cv2.dnn.readNetFromONNX(self._model)

    def _run(self, network: cv2.dnn.Net, face: np.ndarray) -> np.ndarray:
        network.setInput(cv2.dnn.blobFromImage(face, **self._settings))
        return network.forward()


class Recognition(NamedTuple):
    """What a recognizer finds.

    Attributes
    ----------
    named : ndarray of float, shape (probes,)
        1 where the nearest face is of the same person, 0 where it is not, a share where several are as near; NaN where
        the person is in none that it could be.
    people : ndarray of int, shape (probes,)
        Who is in the nearest face, the first of several.
    chance : ndarray of float, shape (probes,)
        What guessing gets: the share of faces that are of the same person; NaN as above.
    true_accept_rate : float or None
        Share of pairs of one person that are accepted at a threshold that accepts at most 1 % of the others; None if
        there are no pairs of either kind.
    """

    named: np.ndarray
    people: np.ndarray
    chance: np.ndarray
    true_accept_rate: float | None


def recognize(
    probes: np.ndarray,
    gallery: np.ndarray,
    probe_people: np.ndarray,
    gallery_people: np.ndarray,
    *,
    originals: np.ndarray | None = None,
) -> Recognition:
    """Name faces by the nearest one in a gallery, and tell whether two are of one person.

    Where nobody's name is known, let each original be a person of its own: then the attack links faces to originals.

    Parameters
    ----------
    probes, gallery : ndarray of float, shape (probes, length) and (gallery, length)
        Anonymized faces, and raw ones of known people, from `Recognizer.embed`.
    probe_people, gallery_people : ndarray of int, shape (probes,) and (gallery,)
        Who is in each.
    originals : ndarray of int, shape (probes,), optional
        Which of the gallery is a probe's own original, -1 for none: it is left out for this probe.

    Returns
    -------
    Recognition
        The verification is over all pairs, or those of probes evenly spaced, 4 million pairs in all.

    References
    ----------
    .. [1] P. Phillips, P. Grother, R. Micheals, "Evaluation methods in face recognition", in Handbook of Face
       Recognition, 2005.

    Examples
    --------
    >>> gallery = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> found = recognize(gallery[:2], gallery, np.array([7, 8]), np.array([7, 7, 8]), originals=np.array([0, 1]))
    >>> found.named, found.chance
    (array([1., 1.]), array([0.5, 0.5]))
    """
    originals = np.full(len(probes), -1) if originals is None else originals
    named: list[np.ndarray] = [np.empty(0)]
    people: list[np.ndarray] = [np.empty(0, int)]
    chance: list[np.ndarray] = [np.empty(0)]
    for start in range(0, len(probes), CHUNK):
        part = slice(start, start + CHUNK)
        nearness, same = _pairs(probes[part], gallery, probe_people[part], gallery_people, originals[part])
        nearest = nearness == nearness.max(axis=1, keepdims=True)
        people.append(gallery_people[nearness.argmax(axis=1)])
        known = same.any(axis=1)
        named.append(np.where(known, (nearest & same).sum(axis=1) / nearest.sum(axis=1), np.nan))
        chance.append(np.where(known, same.sum(axis=1) / np.isfinite(nearness).sum(axis=1), np.nan))
    count = min(len(probes), max(1, MOST_PAIRS // len(gallery)))
    drawn = np.linspace(0, len(probes) - 1, count).astype(int)
    nearness, same = _pairs(probes[drawn], gallery, probe_people[drawn], gallery_people, originals[drawn])
    rate = _true_accept_rate(nearness[np.isfinite(nearness)], same[np.isfinite(nearness)])
    return Recognition(np.concatenate(named), np.concatenate(people), np.concatenate(chance), rate)


def _pairs(
    probes: np.ndarray, gallery: np.ndarray, probe_people: np.ndarray, gallery_people: np.ndarray, originals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    # How near each probe is to each of the gallery, and whether they are of one person: never a probe's own original.
    nearness = np.round(probes.astype(float) @ gallery.T.astype(float), DECIMALS)
    own = originals[:, None] == np.arange(len(gallery))
    nearness[own] = -np.inf
    return nearness, (probe_people[:, None] == gallery_people) & ~own


def _true_accept_rate(nearness: np.ndarray, same: np.ndarray) -> float | None:
    if same.all() or not same.any():
        return None
    false, true, _ = roc_curve(same, nearness, drop_intermediate=False)
    return float(true[false <= FALSE_POSITIVES].max())
