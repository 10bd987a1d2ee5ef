"""Silhouettes of people in the images of `data/raw`: 8-bit PNG files in `data/masks`, same tree, or shards like it."""

from pathlib import Path

import cv2
import numpy as np

from stages.core.datasets import Dataset
from stages.core.images import decode_image
from stages.core.paths import MASKS_FOLDER


def mask_name(path: str) -> str:
    """Return the name of an image's silhouette: that of the image, with .png after it where it is no .png."""
    return path if path.endswith(".png") else f"{path}.png"


class Masks:
    """The silhouettes that `ingest` wrote."""

    def __init__(self, folder: Path = MASKS_FOLDER):
        self._masks = Dataset(folder)
        self.is_empty = not (folder.is_dir() and any(folder.iterdir()))
        self._in_shards = (
            {path for part in self._masks.parts() for path in part.paths} if self._masks.is_sharded else {}
        )

    def encoded(self, path: str) -> bytes:
        """Return the silhouette of an image as it is written; empty where it has none."""
        name = mask_name(path)
        exists = name in self._in_shards if self._masks.is_sharded else (self._masks.folder / name).is_file()
        return self._masks.read(name) if exists else b""

    def read(self, path: str) -> np.ndarray | None:
        """Read the silhouette of an image, by path in `data/raw`: (height, width) bool; None where it has none."""
        encoded = self.encoded(path)
        file = self._masks.folder / mask_name(path)
        return decode_image(encoded, file, cv2.IMREAD_GRAYSCALE) > 127 if encoded else None


def encode_mask(mask: np.ndarray) -> bytes:
    """Encode a silhouette, (height, width) bool."""
    return cv2.imencode(".png", mask.astype(np.uint8) * 255)[1].tobytes()
