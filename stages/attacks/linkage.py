"""Which original is a published image of? Learns what a method makes of images, then ranks originals by likelihood."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from scipy.fft import dctn

from stages.attacks._learning.forward_model import ForwardModel
from stages.attacks._learning.looks import gradients, scaled
from stages.attacks._learning.ranks import Ranks, joined, linked, ranks_of
from stages.attacks.evidence import Evidence
from stages.core.parallel import map_bounded

MOST_PAIRS = 2000  # that are learned from
# Looks, and how many features of each: on strong noise, few are better.
CANDIDATES = (("both", 256), ("both", 64), ("frequencies", 256), ("frequencies", 64), ("gradients", 256))
SIDE = 32  # pixels, at which all look
CHUNK = 512  # images whose features are made at once
MOST_DISTANCES = 2**22  # that are held at once, a worker
_VALIDATION = 5  # every fifth pair chooses the candidate
_FEWEST = 10  # pairs of which some can be held out


def linkage(evidence: Evidence) -> dict[str, float]:
    """Link test images to their originals, among the originals of all test images.

    Parameters
    ----------
    evidence : Evidence
        The attacker learns from the training pairs, and holds the originals of the test images, in no known order.

    Returns
    -------
    dict of str to float
        ``accuracy``, the share linked to their own original; ``rank5``, the share whose own is among the five likeliest
        (with six images or more); ``chance``, what guessing links; ``images``, how many there are. Empty with fewer
        than two images in train or in test.
    """
    train, test = evidence.train, evidence.test
    if min(len(train.raw), len(test.raw)) < 2:
        return {}
    ranks = train_linker(train.raw, train.anonymized, seed=evidence.seed).ranks(test.anonymized, test.raw)
    found = linked(ranks, len(test.raw))
    return found | ({"rank5": float(ranks.within(5).mean())} if len(test.raw) > 5 else {})


class Linker(NamedTuple):
    """Ranks originals by how likely a published image is to be made from them."""

    look: str  # "both", "frequencies" or "gradients"
    model: ForwardModel

    def ranks(self, anonymized: np.ndarray, raw: np.ndarray) -> Ranks:
        """Rank each image's own original among all: `raw` in the same order, and both of any size.

        Memory grows with 256 numbers an image, time with the square of their number: about a minute for 50,000.
        """
        images = np.concatenate([self.model.place(part) for part in _features(self.look, anonymized)])
        originals = np.concatenate([self.model.predict(part) for part in _features(self.look, raw)])
        return _ranks(images, originals)


def train_linker(raw: np.ndarray, anonymized: np.ndarray, *, seed: int) -> Linker:
    """Train the best of several linkers to tell which original an anonymized image was made from.

    An attacker who holds the originals and can run the method links the images of any deterministic method by
    comparing bytes. This one needs pairs alone, so it measures noise, recompression and unknown methods too. It uses
    no labels. It is the linkability, and the singling out, of the European guidance on anonymization [1]_.

    The linker that is best on held-out pairs is trained on all pairs, or on 2,000 drawn from them; there are two at
    least, of square images of one size.

    References
    ----------
    .. [1] Article 29 Data Protection Working Party, "Opinion 05/2014 on anonymisation techniques", WP216, 2014.
    .. [2] S. Hill, Z. Zhou, L. Saul, H. Shacham, "On the (in)effectiveness of mosaicing and blurring as tools for
       document redaction", Proceedings on Privacy Enhancing Technologies 2016(4).

    >>> raw = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    >>> darker = raw // 2
    >>> float(train_linker(raw[:20], darker[:20], seed=0).ranks(darker[20:], raw[20:]).within(1).mean())
    1.0
    """
    drawn = np.random.default_rng(seed).permutation(len(raw))[:MOST_PAIRS]
    pairs = [
        {look: np.concatenate(list(_features(look, images[drawn]))) for look in LOOKS} for images in (raw, anonymized)
    ]
    held = np.arange(len(drawn)) % _VALIDATION == 0

    def quality(candidate: tuple[str, int]) -> float:
        look, most = candidate
        originals, images = (_joined(look, features) for features in pairs)
        model = ForwardModel(originals[~held], images[~held], most)
        ranks = _ranks(model.place(images[held]), model.predict(originals[held]))
        # The mean reciprocal rank is finer than the share at rank 1, which several candidates may reach on all.
        return float((1 / ranks.mean).mean())

    look, most = CANDIDATES[0]
    if len(drawn) >= _FEWEST:
        look, most = CANDIDATES[int(np.argmax(list(map_bounded(quality, CANDIDATES))))]
    originals, images = (_joined(look, features) for features in pairs)
    return Linker(look, ForwardModel(originals, images, most))


def _ranks(images: np.ndarray, originals: np.ndarray) -> Ranks:
    squares = (originals**2).sum(axis=1)
    step = max(1, MOST_DISTANCES // len(originals))

    def rank(start: int) -> Ranks:
        part = images[start : start + step]
        distances = np.maximum((part**2).sum(axis=1)[:, None] + squares - 2 * part @ originals.T, 0)
        return ranks_of(distances, np.arange(start, start + len(part)))

    return joined(map_bounded(rank, range(0, len(originals), step)))


def _frequencies(images: np.ndarray) -> np.ndarray:
    # Of brightness and colours: what blur and noise leave of each is nearly independent of the others.
    planes = np.stack([cv2.cvtColor(scaled(image, SIDE), cv2.COLOR_RGB2YCrCb) for image in images])
    spectra = dctn(planes.astype(np.float32) / 255, axes=(1, 2), norm="ortho")
    return spectra.reshape(len(images), -1)


LOOKS = {"frequencies": _frequencies, "gradients": lambda images: gradients(images, SIDE)}


def _joined(look: str, features: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate(list(features.values()), axis=1) if look == "both" else features[look]


def _features(look: str, images: np.ndarray) -> Iterator[np.ndarray]:
    looks = LOOKS if look == "both" else {look: LOOKS[look]}

    def features(start: int) -> np.ndarray:
        return _joined(look, {name: make(images[start : start + CHUNK]) for name, make in looks.items()})

    return map_bounded(features, range(0, len(images), CHUNK))
