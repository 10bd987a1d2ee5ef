"""What every inverse of a method is."""

from typing import Protocol

import numpy as np


class Restorer(Protocol):
    """An inverse: `restore` estimates the original of an anonymized image."""

    name: str

    def restore(self, image: np.ndarray) -> np.ndarray:
        """Return the estimate, (height, width, 3) uint8."""
