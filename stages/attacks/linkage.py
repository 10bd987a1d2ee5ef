"""Which original is a published image of? Learns what a method makes of images, then ranks originals by likelihood."""

from collections.abc import Iterator

import cv2
import numpy as np
from scipy.fft import dctn

from stages.attacks._learning.forward_model import ForwardModel
from stages.attacks._learning.looks import gradients, scaled
from stages.attacks._learning.ranks import Ranks, ranks_of
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
    count = len(test.raw)
    found = {"accuracy": float(ranks.within(1).mean()), "chance": 1 / count, "images": count}
    return found | ({"rank5": float(ranks.within(5).mean())} if count > 5 else {})


class Linker:
    """Ranks originals by how likely a published image is to be made from them.

    Attributes
    ----------
    name : str
        Which candidate won: the looks, "both", "frequencies" or "gradients", and how many features.
    """

    def __init__(self, look: str, model: ForwardModel, most: int) -> None:
        """Keep what was learned; see `train_linker`."""
        self.name = f"{look}_{most}"
        self._look = look
        self._model = model

    def ranks(self, anonymized: np.ndarray, raw: np.ndarray) -> Ranks:
        """Rank each image's own original among all.

        Parameters
        ----------
        anonymized, raw : ndarray of uint8, shape (n, size, size, 3)
            Published images, and their originals in the same order, of any size.

        Returns
        -------
        Ranks
            ``ranks(...).within(1).mean()`` is the share linked to their own original, which guessing gets in 1 of n,
            and ``within(5)`` those with it among the first five.

        Notes
        -----
        Memory grows with 256 numbers an image, time with the square of n: about a minute for 50,000.
        """
        _check(anonymized, raw)
        images = np.concatenate([self._model.place(part) for part in _parts(self._look, anonymized)])
        originals = np.concatenate([self._model.predict(part) for part in _parts(self._look, raw)])
        return _ranks(images, originals)


def train_linker(raw: np.ndarray, anonymized: np.ndarray, *, seed: int) -> Linker:
    """Train the best of several linkers to tell which original an anonymized image was made from.

    An attacker who holds the originals, and can run the method, finds those of any method that draws nothing by
    comparing bytes. This one needs pairs alone, and so measures noise, recompression and unknown methods too. It uses
    no labels. It is the linkability, and the singling out, of the European guidance on anonymization [1]_.

    Parameters
    ----------
    raw, anonymized : ndarray of uint8, shape (n, size, size, 3)
        Training pairs of RGB images; of more than 2,000, as many are drawn.
    seed : int
        Of that draw.

    Returns
    -------
    Linker
        The best on pairs that were held out to choose it, then trained on all.

    Raises
    ------
    ValueError
        If the shapes or types are wrong, or there are fewer than two pairs.

    References
    ----------
    .. [1] Article 29 Data Protection Working Party, "Opinion 05/2014 on anonymisation techniques", WP216, 2014.
    .. [2] S. Hill, Z. Zhou, L. Saul, H. Shacham, "On the (in)effectiveness of mosaicing and blurring as tools for
       document redaction", Proceedings on Privacy Enhancing Technologies 2016(4).

    Examples
    --------
    >>> raw = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    >>> darker = raw // 2
    >>> float(train_linker(raw[:20], darker[:20], seed=0).ranks(darker[20:], raw[20:]).within(1).mean())
    1.0
    """
    _check(anonymized, raw)
    if len(raw) < 2:
        raise ValueError(f"`raw` must hold at least two images. Received: {len(raw)}")
    drawn = np.random.default_rng(seed).permutation(len(raw))[:MOST_PAIRS]
    raw, anonymized = raw[drawn], anonymized[drawn]
    views = [{name: _all(name, images) for name in VIEWS} for images in (raw, anonymized)]
    held = np.arange(len(raw)) % _VALIDATION == 0

    def quality(candidate: tuple[str, int]) -> float:
        look, most = candidate
        one, other = (_joined(look, view) for view in views)
        model = ForwardModel(one[~held], other[~held], most)
        ranks = _ranks(model.place(other[held]), model.predict(one[held]))
        # The mean reciprocal rank is finer than the share at rank 1, which several candidates may reach on all.
        return float((1 / ranks.mean).mean())

    look, most = CANDIDATES[0]
    if len(raw) >= _FEWEST:
        look, most = CANDIDATES[int(np.argmax(list(map_bounded(quality, CANDIDATES))))]
    one, other = (_joined(look, view) for view in views)
    return Linker(look, ForwardModel(one, other, most), most)


def _ranks(images: np.ndarray, originals: np.ndarray) -> Ranks:
    squares = (originals**2).sum(axis=1)
    step = max(1, MOST_DISTANCES // len(originals))

    def rank(start: int) -> Ranks:
        part = images[start : start + step]
        distances = np.maximum((part**2).sum(axis=1)[:, None] + squares - 2 * part @ originals.T, 0)
        return ranks_of(distances, np.arange(start, start + len(part)))

    parts = map_bounded(rank, range(0, len(originals), step))
    return Ranks(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _frequencies(images: np.ndarray) -> np.ndarray:
    # Of brightness and colours: what blur and noise leave of each is nearly independent of the others.
    views = np.stack([cv2.cvtColor(scaled(image, SIDE), cv2.COLOR_RGB2YCrCb) for image in images])
    spectra = dctn(views.astype(np.float32) / 255, axes=(1, 2), norm="ortho")
    return spectra.reshape(len(images), -1)


def _gradients(images: np.ndarray) -> np.ndarray:
    return gradients(images, SIDE)


VIEWS = {"frequencies": _frequencies, "gradients": _gradients}


def _joined(look: str, views: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate(list(views.values()), axis=1) if look == "both" else views[look]


def _parts(look: str, images: np.ndarray) -> Iterator[np.ndarray]:
    names = list(VIEWS) if look == "both" else [look]
    starts = range(0, len(images), CHUNK)
    return map_bounded(
        lambda start: _joined(look, {name: VIEWS[name](images[start : start + CHUNK]) for name in names}), starts
    )


def _all(look: str, images: np.ndarray) -> np.ndarray:
    return np.concatenate(list(_parts(look, images)))


def _check(anonymized: np.ndarray, raw: np.ndarray) -> None:
    if raw.ndim != 4 or raw.shape[1] != raw.shape[2] or raw.shape[3] != 3 or raw.dtype != np.uint8:
        raise ValueError(
            f"`raw` must be uint8 of shape (n, size, size, 3). Received: {raw.dtype} of shape {tuple(raw.shape)}"
        )
    if anonymized.shape != raw.shape or anonymized.dtype != raw.dtype:
        raise ValueError(
            f"`anonymized` must be uint8 of shape {raw.shape}, as `raw`. "
            f"Received: {anonymized.dtype} of shape {tuple(anonymized.shape)}"
        )
