"""What every inverse of a method is."""

from typing import Protocol

import numpy as np


class Restorer(Protocol):
    """An inverse; images are uint8 of shape (height, width, 3)."""

    name: str

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Estimate the original of an anonymized image."""


class Unchanged:
    """The inverse that does nothing."""

    name = "none"

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Return the image itself."""
        return image
