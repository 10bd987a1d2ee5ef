"""Portraits of people who are told apart by colours and shapes, for the tests of attacks."""

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
