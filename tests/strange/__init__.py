"""A seeded generator of broken and strange files, names and folders: what a source may hold that nobody has checked."""

from tests.strange import broken, odd  # noqa: F401, they fill KINDS
from tests.strange.files import KINDS, MAX_PIXELS, Strange
from tests.strange.places import PLACES, Planted, plant
from tests.strange.regions import plant_masks, plant_regions

__all__ = ["KINDS", "MAX_PIXELS", "PLACES", "Planted", "Strange", "plant", "plant_masks", "plant_regions"]
