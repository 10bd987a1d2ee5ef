"""Portraits of people who are told apart by colours and shapes, for the tests of attacks, and a face recognizer."""

import cv2
import numpy as np

PEOPLE, SIDE = 6, 48


def portraits(count: int, seed: int, people: int = PEOPLE) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` noisy, shifted portraits of each person: (people * count, 48, 48, 3), and who is in each."""
    faces = [
        cv2.GaussianBlur(np.random.default_rng(person).random((SIDE, SIDE, 3)), (0, 0), 4) for person in range(people)
    ]
    rng = np.random.default_rng((99, seed))
    identities = np.arange(people).repeat(count)
    images = []
    for person in identities:
        face = (faces[person] - 0.5) * rng.uniform(700, 900) + 128 + rng.uniform(-20, 20)
        face = np.roll(face, rng.integers(-2, 3, 2), axis=(0, 1)) + rng.normal(0, 12, face.shape)
        images.append(np.clip(face, 0, 255).astype(np.uint8))
    return np.array(images), identities


def blur(images: np.ndarray, sigma: float) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in images])


def recognizer_model() -> bytes:
    """Write an ONNX network that returns the mean colours of 4 x 4 parts, all red ones first."""

    def tensor(name: str, sizes: tuple[int, ...]) -> bytes:
        shape = b"".join(_field(1, _field(1, size)) for size in sizes)
        return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, shape)))

    window = _field(8, 28) + _field(8, 28) + _field(20, 7)
    pool = _field(1, "data") + _field(2, "means") + _field(4, "AveragePool")
    pool += _field(5, _field(1, "kernel_shape") + window) + _field(5, _field(1, "strides") + window)
    flat = _field(1, "means") + _field(2, "points") + _field(4, "Flatten")
    graph = _field(1, pool) + _field(1, flat) + _field(2, "colours")
    graph += _field(11, tensor("data", (1, 3, 112, 112))) + _field(12, tensor("points", (1, 48)))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 11))


def _field(number: int, value: int | bytes | str) -> bytes:
    """Encode a field of a protocol buffer: a whole number, or bytes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)
