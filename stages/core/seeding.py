"""Random draws that depend on a seed and a name alone, never on the order or the number of threads."""

import hashlib

import numpy as np


def order_key(seed: int, name: str) -> bytes:
    """Return a key by which names sort into a random order that the seed fixes."""
    return hashlib.sha256(f"{seed}:{name}".encode(errors="surrogateescape")).digest()


def generator(seed: int, name: str) -> np.random.Generator:
    """Return a random generator for one name."""
    return np.random.default_rng(int.from_bytes(order_key(seed, name), "little"))
