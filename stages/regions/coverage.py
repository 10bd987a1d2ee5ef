"""How well masks cover the regions that there are: one that is left open shows the person in it."""

from collections.abc import Sequence

import numpy as np

from stages.core.boxes import Box
from stages.core.params import Acting
from stages.regions.masks import region_mask

COVERED = 0.9  # share of a region that must be covered for it not to count as missed
_GRID = 128  # a larger region is judged at this scale


def count_missed(given: dict[str, list[Box]], used: dict[str, list[Box]], acting: Acting) -> int:
    """Count the given regions, by image, of which the regions that a variant acts on cover less than `COVERED`."""
    return sum(
        covered_share(box, used.get(path, ()), acting) < COVERED for path, boxes in given.items() for box in boxes
    )


def covered_share(box: Box, used: Sequence[Box], acting: Acting) -> float:
    """Return how much of the ellipse in a box lies in the masks of other boxes, without their soft edges.

    Examples
    --------
    >>> acting = Acting(shape="box", grow=0)
    >>> face = Box(10, 10, 20, 20)
    >>> covered_share(face, [Box(10, 10, 10, 20)], acting), covered_share(face, [Box(8, 8, 24, 24)], acting)
    (0.5, 1.0)
    """
    scale = min(1, _GRID / max(box.width, box.height))
    height, width = (max(1, round(side * scale)) for side in (box.height, box.width))
    region = region_mask((height, width), Box(0, 0, width, height), Acting(grow=0, feather=0)).weights == 1
    covered = np.zeros((height, width), bool)
    for other in used:
        x, y = (round((start - first) * scale) for start, first in ((other.x, box.x), (other.y, box.y)))
        across, down = (max(1, round(side * scale)) for side in (other.width, other.height))
        mask = region_mask((height, width), Box(x, y, across, down), acting)
        covered[mask.rows, mask.columns] |= mask.weights == 1
    return float(covered[region].mean())
