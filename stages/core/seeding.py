"""Random draws that depend on a seed and a name alone, never on the order or the number of threads."""

import hashlib

import numpy as np


def order_key(seed: int, name: str) -> bytes:
    """Return a key by which names sort into a random order that the seed fixes.

    Parameters
    ----------
    seed : int
        Seed of the order.
    name : str
        What is to be ordered, for example a relative path; of a path that is not UTF-8, the bytes count.

    Returns
    -------
    bytes
        SHA-256 digest of the two.
    """
    return hashlib.sha256(f"{seed}:{name}".encode(errors="surrogateescape")).digest()


def generator(seed: int, name: str) -> np.random.Generator:
    """Return a random generator for one name.

    Parameters
    ----------
    seed : int
        Seed of all draws of a kind.
    name : str
        What the draw is for, for example an image's relative path.

    Returns
    -------
    numpy.random.Generator
        The same stream for the same seed and name, on every machine.
    """
    return np.random.default_rng(int.from_bytes(order_key(seed, name), "little"))
